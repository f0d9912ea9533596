"""The actions of Tracksolid, through Home Assistant."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
import json
from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.fleet_tracker.contract.history import Distance
from custom_components.fleet_tracker.vendors.tracksolid.api.records import Trip
from custom_components.fleet_tracker.vendors.tracksolid.history import total_distance
from tests.common import see_ignition_on
from tests.simulators import world
from tests.simulators.tracksolid.registry import METHODS as SIMULATED, Method, Reply

from .helpers import CAM, CAR, VAN
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

PERIOD: dict[str, Any] = {
    "begin": "2025-10-09T08:00:00+00:00",
    "end": "2025-10-09T09:00:00+00:00",
}


async def test_trips_route_and_stops(home: Home) -> None:
    """The past of an hour: drives, waypoints, and stops."""
    trips = (await home.call("get_trips", VAN, CAR, **PERIOD))[VAN]["trips"]
    assert len(trips) > 5
    assert trips[0].keys() >= {"begin", "end", "distance", "duration", "top_speed"}
    assert 0 < trips[0]["distance"] < 5
    points = (await home.call("get_route", VAN, **PERIOD))[VAN]["points"]
    assert len(points) > 100
    assert abs(points[0]["latitude"] - world.HOME.latitude) < 0.1
    stops = await home.call("get_stops", VAN, CAR, **PERIOD)
    assert len(stops[VAN]["stops"]) > 5
    assert stops[CAR] == {"stops": []}
    idling = await home.call("get_stops", VAN, idling=True, **PERIOD)
    assert idling != {VAN: stops[VAN]}


async def test_places_of_trips(home: Home) -> None:
    """Where they began and ended, as far as the platform tells."""
    trips = (await home.call("get_trips", VAN, **PERIOD))[VAN]["trips"]
    begin = datetime.fromisoformat(trips[0]["begin"]).timestamp()
    place = home.sim.devices[VAN].vehicle.at(begin).place
    assert trips[0]["begin_place"] == {
        "latitude": pytest.approx(place.latitude, abs=1e-6),
        "longitude": pytest.approx(place.longitude, abs=1e-6),
    }
    assert trips[0]["end_place"].keys() == {"latitude", "longitude"}


async def test_distance(home: Home) -> None:
    """All drives of the period as a whole, and from when to when that is."""
    driven = await home.call("get_distance", VAN, CAR, **PERIOD)
    trips = (await home.call("get_trips", VAN, **PERIOD))[VAN]["trips"]
    assert driven[VAN]["distance"] == pytest.approx(
        sum(trip["distance"] for trip in trips), abs=0.001
    )
    assert driven[VAN]["distance"] > 5
    assert driven[VAN]["begin"] <= PERIOD["begin"]
    assert driven[VAN]["end"] >= PERIOD["end"]
    assert driven[CAR] == {"distance": 0, **PERIOD}


def test_distance_of_drives_at_the_edges() -> None:
    """The period grows to whole drives; one of unknown length leaves the sum unknown."""
    began, ended = NOW - timedelta(hours=3), NOW - timedelta(hours=1)
    drive = Trip(
        imei=VAN,
        started_at=began,
        ended_at=began + timedelta(minutes=30),
        distance=12.5,
        duration=1800,
    )
    later = replace(drive, started_at=ended - timedelta(minutes=1), ended_at=NOW)
    period = began + timedelta(minutes=10), ended
    assert total_distance([drive, later], *period) == Distance(
        begin=began, end=NOW, distance=25
    )
    unknown = replace(later, distance=None)
    assert total_distance([drive, unknown], *period).distance is None


def test_distance_that_nobody_can_have_driven() -> None:
    """The sum is unknown, since it goes into statistics for ever."""
    drive = Trip(
        imei=VAN,
        started_at=NOW - timedelta(hours=1),
        ended_at=NOW,
        distance=4_294.967,
        duration=3600,
    )
    period = drive.started_at, drive.ended_at
    assert total_distance([drive], *period).distance is None
    possible = replace(drive, distance=280.0)
    assert total_distance([possible], *period).distance == 280


async def test_trips_of_impossible_times(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that ends before it began, or lasts for years, is none."""
    right: dict[str, object] = {
        "imei": VAN,
        "startTime": "2025-10-09 08:00:00",
        "endTime": "2025-10-09 08:10:00",
        "distance": 9_000,
    }
    rows = [
        right,
        right | {"startTime": "2025-10-09 08:20:00", "endTime": "2025-10-09 08:15:00"},
        right | {"startTime": "2001-01-01 00:00:00", "endTime": "2025-10-09 08:30:00"},
        right | {"startTime": "2025-10-09 08:35:00", "distance": "4294967295"},
        right
        | {"startTime": "2025-10-09 08:40:00", "endTime": "2025-10-09 08:45:00"}
        | {"distance": "4294967295"},
    ]
    name = "jimi.device.track.mileage"
    known = SIMULATED[name]
    monkeypatch.setitem(
        SIMULATED,
        name,
        Method(name, known.required, known.optional, lambda *_: Reply(rows)),
    )
    trips = (await home.call("get_trips", VAN, **PERIOD))[VAN]["trips"]
    told = {one["begin"][11:16]: one.get("distance") for one in trips}
    assert told["08:00"] == 9
    assert "08:40" in told
    assert told["08:40"] is None
    assert not {"08:20", "00:00", "08:35"} & told.keys()


async def test_route_is_read_no_further_than_it_is_answered(home: Home) -> None:
    """A period of days is asked for day by day, until there are enough points."""
    days: dict[str, Any] = {"begin": "2025-10-08T08:00:00+00:00", "end": PERIOD["end"]}
    before = home.sim.requests["jimi.device.track.list"]
    answer = (await home.call("get_route", VAN, limit=5, **days))[VAN]
    assert len(answer["points"]) == 5
    assert answer["truncated"]
    assert home.sim.requests["jimi.device.track.list"] == before + 1
    full = (await home.call("get_route", VAN, limit=10_000, **days))[VAN]
    assert full["points"][:5] == answer["points"]
    assert "truncated" not in full
    assert home.sim.requests["jimi.device.track.list"] == before + 3


async def test_alarms(home: Home) -> None:
    """Alarms in our words and in the vendor's."""
    home.sim.devices[VAN].alarms.append(
        home.sim.devices[VAN].alarm("3", "Vibration alert", home.sim.now - 60)
    )
    alarms = (await home.call("get_alarms", VAN, **PERIOD))[VAN]["alarms"]
    vibration = next(one for one in alarms if one["code"] == "3")
    assert vibration["type"] == "vibration"
    assert vibration["name"] == "Vibration alert"


async def test_obd_history(home: Home) -> None:
    """OBD reports and trouble codes."""
    home.sim.devices[CAM].faults.append(("P0301", "Misfire", home.sim.now - 60))
    history = (await home.call("tracksolid_get_obd_history", CAM, **PERIOD))[CAM]
    assert len(history["reports"]) >= 59
    assert history["reports"][0]["coolant_temperature"] == 77
    assert "imei" not in history["reports"][0]
    assert [one["code"] for one in history["trouble_codes"]] == ["P0301"]


async def test_period_that_cannot_be(home: Home) -> None:
    """An end before its begin, and a vehicle that was taken away."""
    with pytest.raises(ServiceValidationError):
        await home.call("get_trips", begin=PERIOD["end"], end=PERIOD["begin"])
    del home.sim.devices[CAR]
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("get_trips", CAR, **PERIOD)
    assert refused.value.translation_key == "tracksolid_illegal"


async def test_share_link_and_raw_bytes_are_for_administrators(
    home: Home, hass_admin_user: MockUser, hass_read_only_user: MockUser
) -> None:
    """Others are refused before anything is asked."""
    administrator = Context(user_id=hass_admin_user.id)
    other = Context(user_id=hass_read_only_user.id)
    link = await home.call("tracksolid_get_share_link", context=administrator)
    assert link[VAN]["link"].startswith("http")
    asked = home.sim.requests.total()
    with pytest.raises(Unauthorized):
        await home.call("tracksolid_get_share_link", context=other)
    with pytest.raises(Unauthorized):
        await home.call("tracksolid_send_raw_command", context=other, hex="7878")
    assert home.sim.requests.total() == asked


async def test_cell_position_ten_times_a_day(home: Home) -> None:
    """The eleventh look-up of a vehicle on a day is refused, also after a restart."""
    cells = "204,8,3312,51003,-70"
    for _ in range(10):
        found = await home.call("tracksolid_get_cell_position", cells=cells)
    assert found[VAN]["latitude"]
    await home.reload()
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("tracksolid_get_cell_position", cells=cells)
    assert refused.value.translation_key == "tracksolid_lbs_quota"
    await home.call("tracksolid_get_cell_position", CAR, wifi="00:11:22:33:44:55,-60")
    with pytest.raises(ServiceValidationError):
        await home.call("tracksolid_get_cell_position", CAR)


async def test_list_and_send_commands(home: Home) -> None:
    """The device's own list, a command of it with its values, and a text."""
    listed = (await home.call("tracksolid_list_commands", VAN))[VAN]["commands"]
    timer = next(one for one in listed if one["template"] == "TIMER,{0}#")
    assert timer["may_wait"]
    answer = await home.call(
        "tracksolid_send_command", VAN, command=timer["command"], values=["30"]
    )
    assert answer[VAN] == {"answer": "TIMER,30 OK", "queued": False}
    wrong: tuple[dict[str, Any], ...] = ({}, {"command": "20", "text": "STATUS#"})
    for fields in wrong:
        with pytest.raises(ServiceValidationError):
            await home.call("tracksolid_send_command", VAN, **fields)


async def test_command_that_waits_says_so(home: Home) -> None:
    """A harmless command may wait for a vehicle that is offline."""
    home.sim.devices[VAN].online = False
    answer = await home.wait_for(
        home.call("tracksolid_send_command", VAN, command="20", values=["30"])
    )
    assert answer[VAN] == {"answer": None, "queued": True}


async def test_raw_bytes(home: Home) -> None:
    """Raw bytes pass the guard, here for a parked car, and are sent as they are."""
    await home.set_options(allow_engine_cut=True)
    home.freezer.move_to(NOW)
    see_ignition_on(home.coordinator, CAR)
    answer = await home.call("tracksolid_send_raw_command", CAR, hex="78 78")
    assert CAR in answer
    assert home.sim.calls[-1][1]["raw_cmd"] == "7878"


async def test_geofences_of_the_platform(hass: HomeAssistant, home: Home) -> None:
    """Made of a zone, bound to the vehicles, bound anew, deleted."""
    place = {"latitude": 1, "longitude": 2, "radius": 300}
    hass.states.async_set("zone.depot", "0", place)
    made = await home.call("create_geofence", VAN, CAR, zone="zone.depot")
    number = made[VAN]["geofence"]
    assert made[CAR]["geofence"] == number
    fence = home.sim.platform_fences[number]
    assert fence["geom"] == "1.00000000,2.00000000"
    assert fence["radius"] == "300"
    assert home.sim.bindings[number] == {VAN, CAR}
    bound = await home.call(
        "tracksolid_bind_geofence",
        CAR,
        geofence=number,
        alarm_on="entering",
        days_not_entered=3,
        days_not_left=2,
    )
    assert bound == {CAR: {"bound": 1}}
    assert home.sim.bindings[number] == {CAR}
    await home.call("tracksolid_delete_geofence", CAR, response=False, geofence=number)
    assert number not in home.sim.platform_fences


async def test_geofence_that_cannot_be_bound(home: Home) -> None:
    """The geofence is deleted again, so that its name is free for the next try."""
    place: dict[str, Any] = {
        "latitude": 1,
        "longitude": 2,
        "radius": 300,
        "name": "Yard",
    }
    home.sim.fail("jimi.open.platform.fence.bind", 1100, "Business exception")
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("create_geofence", VAN, **place)
    assert refused.value.translation_key == "tracksolid_business"
    assert not home.sim.platform_fences
    await home.call("create_geofence", VAN, **place)
    assert len(home.sim.platform_fences) == 1


@pytest.mark.parametrize("stored_in", ["platform", "tracker"])
async def test_no_geofence_where_one_vehicle_is_refused(
    home: Home, stored_in: str
) -> None:
    """All vehicles are checked before the first fence is created."""
    del home.sim.devices[CAR]
    place: dict[str, Any] = {"latitude": 1, "longitude": 2, "radius": 300}
    with pytest.raises(HomeAssistantError) as refused:
        await home.call(
            "create_geofence", VAN, CAR, name="Yard", stored_in=stored_in, **place
        )
    assert refused.value.translation_key == "tracksolid_illegal"
    assert not home.sim.platform_fences
    assert not home.sim.devices[VAN].fences


async def test_geofences_in_the_tracker(home: Home) -> None:
    """Their radius is in full 100 m; what cannot be expressed is refused."""
    place: dict[str, Any] = {"latitude": 1, "longitude": 2, "name": "Yard"}
    made = await home.call(
        "create_geofence", VAN, stored_in="tracker", radius=400, **place
    )
    fences = home.sim.devices[VAN].fences
    assert fences[made[VAN]["geofence"]]["radius"] == "4"
    for radius in (450, 50):
        with pytest.raises(HomeAssistantError):
            await home.call(
                "create_geofence", VAN, stored_in="tracker", radius=radius, **place
            )
    await home.call(
        "tracksolid_delete_geofence",
        VAN,
        response=False,
        geofence=made[VAN]["geofence"],
        stored_in="tracker",
    )
    assert not fences


async def test_update_vehicle(home: Home) -> None:
    """A change at the vendor is shown soon."""
    await home.call(
        "tracksolid_update_vehicle", VAN, response=False, driver="Kim", odometer=1234.5
    )
    van = home.sim.devices[VAN]
    assert (van.driver, van.fields["currentMileage"]) == ("Kim", "1234.5")
    await home.elapse(61)
    assert home.coordinator.vehicles()[VAN].readings["driver_name"] == "Kim"


async def test_recordings(home: Home) -> None:
    """What a device keeps, and how a part of it comes to the media browser."""
    found = await home.wait_for(
        home.call("tracksolid_get_recordings", CAM, day="2025-10-09")
    )
    recording = found[CAM]["recordings"][0]
    await home.call(
        "tracksolid_upload_recording", CAM, response=False, file=recording["file"]
    )
    await home.call(
        "tracksolid_upload_recording",
        CAM,
        response=False,
        camera=2,
        time=recording["begin"],
    )
    assert [one.camera for one in home.sim.devices[CAM].media] == [0, 1]
    with pytest.raises(ServiceValidationError):
        await home.call("tracksolid_upload_recording", CAM, response=False)
    with pytest.raises(HomeAssistantError) as refused:
        await home.call("tracksolid_get_recordings", VAN, day="2025-10-09")
    assert refused.value.translation_key == "tracksolid_camera_unknown"
    # One without a camera takes no answer of another along, but no order is given then.
    found = await home.wait_for(
        home.call("tracksolid_get_recordings", CAM, VAN, day="2025-10-09")
    )
    assert recording in found[CAM]["recordings"]
    assert found[VAN] == {"error": "The vehicle has no such camera."}
    with pytest.raises(HomeAssistantError):
        await home.call(
            "tracksolid_upload_recording", CAM, VAN, response=False, file="x.mp4"
        )
    assert len(home.sim.devices[CAM].media) == 2


async def call_api(home: Home, method: str, **more: Any) -> Any:
    """Call a documented method by its name."""
    answer = await home.hass.services.async_call(
        "fleet_tracker",
        "call_api",
        {"config_entry": home.entry.entry_id, "method": method, **more},
        blocking=True,
        return_response=True,
    )
    assert answer
    return answer["answer"]


async def test_call_api(home: Home) -> None:
    """Any documented method by its name, what cuts an engine apart."""
    groups = await call_api(
        home, "jimi.device.group.list", parameters={"account": "fleet"}
    )
    assert groups["result"][0]["group_name"] == "Default"
    for method in ("jimi.open.instruction.send", "jimi.open.instruction.raw.send"):
        with pytest.raises(ServiceValidationError) as refused:
            await call_api(home, method, parameters={"imei": VAN}, confirm=True)
        assert refused.value.translation_key == "method_refused"


async def test_instructions_by_an_own_host(home: Home) -> None:
    """Appendix A: those of an own host are there once it is set; texts pass the guard."""
    stop = {"deviceImei": VAN, "channel": 1, "cmd": 0, "dataType": 0}
    control, text = "sendInstruct 37122", "sendInstruct 128"
    with pytest.raises(ServiceValidationError) as refused:
        await call_api(home, control, parameters=stop, confirm=True)
    assert refused.value.translation_key == "unknown_method"
    await home.set_options(hub_url=home.sim.root, hub_token=home.sim.hub_token)
    with pytest.raises(ServiceValidationError) as refused:
        await call_api(home, control, parameters=stop)
    assert refused.value.translation_key == "confirmation_missing"
    assert not home.sim.hub_calls
    answer = await call_api(home, control, parameters=stop, confirm=True)
    assert answer == {"result": None, "data": None}
    assert home.sim.hub_calls[0]["proNo"] == "37122"
    sent = json.loads(home.sim.hub_calls[0]["cmdContent"])
    assert sent == {"channel": 1, "cmd": 0, "dataType": 0}
    cut = {"deviceImei": VAN, "cmdContent": "RELAY,1#"}
    with pytest.raises(ServiceValidationError) as refused:
        await call_api(home, text, parameters=cut, confirm=True)
    assert refused.value.translation_key == "method_refused"
    home.sim.devices[VAN].online = False
    with pytest.raises(HomeAssistantError) as offline:
        await call_api(home, control, parameters=stop, confirm=True)
    assert offline.value.translation_key == "vehicle_offline"
