"""The actions of Open API accounts, called as automations call them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from tests.simulators.open_api_fleet import Alarm
from tests.simulators.world import HOME

from .conftest import CAR, START, TRUCK, Rig

pytestmark = pytest.mark.freeze_time(START)


async def call(
    rig: Rig,
    action: str,
    *imeis: str,
    response: bool = True,
    **fields: object,
) -> Any:
    """Call an action on vehicles' trackers, or on the account if there are none."""
    data: dict[str, object] = dict(fields)
    if imeis:
        data["entity_id"] = [rig.tracker(imei) for imei in imeis]
    else:
        data["config_entry"] = rig.entry.entry_id
    return await rig.wait_for(
        rig.hass.services.async_call(
            DOMAIN, action, data, blocking=True, return_response=response
        ),
        200,
    )


def alarm(seconds: float, kind: int, fence: str = "") -> Alarm:
    """Return an alarm that the server gets some seconds from the start."""
    time = int(START.timestamp() + seconds)
    return Alarm(kind, 4.9, 52.4, time, time, 45, 93, 7 if fence else 0, fence)


async def test_get_route(rig: Rig) -> None:
    """Where the vehicles were, each by its tracker."""
    rig.freezer.tick(600)
    answer = await call(
        rig,
        "get_route",
        TRUCK,
        CAR,
        begin=(START + timedelta(minutes=4)).isoformat(),
        end=(START + timedelta(minutes=6)).isoformat(),
    )
    assert answer[rig.tracker(CAR)] == {"points": []}
    points = answer[rig.tracker(TRUCK)]["points"]
    # It reports every 10 seconds from when it starts.
    assert len(points) == 7
    assert points[0] == {
        "time": "2025-10-09T09:05:00+00:00",
        "latitude": HOME.latitude,
        "longitude": HOME.longitude,
        "speed": 60,
        "course": 0,
    }
    assert points[-1]["latitude"] > HOME.latitude


async def test_a_route_of_the_last_day(rig: Rig) -> None:
    """A period that is not told is the last day."""
    rig.freezer.tick(1200)
    answer = await call(rig, "get_route", TRUCK)
    times = [point["time"] for point in answer[rig.tracker(TRUCK)]["points"]]
    assert times == sorted(set(times))
    # When it was parked, and when it stopped.
    assert times[0] == "2025-10-09T08:55:00+00:00"
    assert times[-1] == "2025-10-09T09:16:00+00:00"
    rig.freezer.tick(86_400 - 600)
    answer = await call(rig, "get_route", TRUCK)
    assert answer[rig.tracker(TRUCK)]["points"][0]["time"] > times[0]


async def test_a_period_in_local_time(hass: HomeAssistant, rig: Rig) -> None:
    """A time without a zone is Home Assistant's."""
    await hass.config.async_set_time_zone("Europe/Amsterdam")
    rig.freezer.tick(600)
    answer = await call(
        rig,
        "get_route",
        TRUCK,
        begin="2025-10-09 11:05:00",
        end="2025-10-09 11:05:10",
    )
    assert len(answer[rig.tracker(TRUCK)]["points"]) == 2


@pytest.mark.parametrize("action", ["get_route", "get_alarms", "get_distance"])
async def test_a_period_that_ends_before_it_begins(rig: Rig, action: str) -> None:
    """The action refuses such a period in words, and the server is not asked."""
    asked = rig.server.requests.total()
    with pytest.raises(ServiceValidationError) as raised:
        await call(
            rig, action, TRUCK, begin="2025-10-09 11:00:00", end="2025-10-09 10:00:00"
        )
    assert raised.value.translation_key == "period_reversed"
    assert rig.server.requests.total() == asked


async def test_get_alarms(rig: Rig) -> None:
    """Alarms come in the common words and in the vendor's, without coordinates."""
    rig.server.device(CAR).alarms = [
        alarm(-7200, 5, "Depot"),
        alarm(-3600, 99),
        alarm(-200_000, 1),
    ]
    answer = await call(rig, "get_alarms", CAR, TRUCK)
    assert answer[rig.tracker(CAR)] == {
        "alarms": [
            {
                "time": "2025-10-09T07:00:00+00:00",
                "type": "geofence_entered",
                "code": "5",
                "name": "geoFenceInAlarm",
                "routine": False,
                "speed": 45,
                "geofence_id": 7,
                "geofence": "Depot",
            },
            {
                "time": "2025-10-09T08:00:00+00:00",
                "type": "other",
                "code": "99",
                "name": None,
                "routine": False,
                "speed": 45,
            },
        ]
    }
    assert answer[rig.tracker(TRUCK)] == {"alarms": []}


async def test_get_alarms_keeps_the_pace(rig: Rig) -> None:
    """Pages of a hundred, one a second, together with what is read all the time."""
    rig.server.intervals = {"/api/alarm/list2": 1}
    rig.server.device(CAR).alarms = [alarm(-3600 + each, 4) for each in range(350)]
    await rig.poll()
    answer = await call(rig, "get_alarms", CAR, TRUCK)
    assert len(answer[rig.tracker(CAR)]["alarms"]) == 350
    assert rig.connection.client.counters["too_frequent"] == 0


@pytest.mark.parametrize("action", ["get_trips", "get_stops"])
async def test_what_the_api_does_not_tell(rig: Rig, action: str) -> None:
    """The API lists no trips and stops: we answer with our own, and do not ask the server."""
    asked = rig.server.requests.total()
    answer = await call(rig, action, TRUCK)
    assert list(answer[rig.tracker(TRUCK)]) == [action.removeprefix("get_")]
    assert rig.server.requests.total() == asked


async def test_get_distance(rig: Rig) -> None:
    """Kilometres, in half hours; of a vehicle that is refused it is said why."""
    rig.freezer.tick(1200)
    rig.server.device(CAR).error = 20046
    answer = await call(
        rig,
        "get_distance",
        TRUCK,
        CAR,
        begin="2025-10-09T09:01:00+00:00",
        end="2025-10-09T09:20:00+00:00",
    )
    assert answer[rig.tracker(TRUCK)] == {
        "distance": 10,
        "begin": "2025-10-09T09:00:00+00:00",
        "end": "2025-10-09T09:30:00+00:00",
    }
    assert answer[rig.tracker(CAR)] == {
        "error": "The vehicle's subscription has expired."
    }


async def test_create_a_geofence_from_a_place(rig: Rig) -> None:
    """A circle at the vendor for each vehicle."""
    await call(
        rig,
        "create_geofence",
        TRUCK,
        CAR,
        response=False,
        name="Depot",
        latitude=52.1,
        longitude=4.2,
        radius=150,
        alarm_on="leaving",
    )
    for imei in (TRUCK, CAR):
        (fence,) = rig.server.device(imei).fences
        assert fence.name == "Depot"
        assert (fence.zone.centre.latitude, fence.zone.centre.longitude) == (52.1, 4.2)
        assert fence.zone.radius == 150
        assert fence.kinds == {"left"}


async def test_create_a_geofence_from_a_zone(hass: HomeAssistant, rig: Rig) -> None:
    """Name, place and radius are the zone's, unless something else is said."""
    zone = hass.states.get("zone.home")
    assert zone
    await call(rig, "create_geofence", TRUCK, response=False, zone="zone.home")
    await call(
        rig,
        "create_geofence",
        TRUCK,
        response=False,
        zone="zone.home",
        name="Yard",
        radius=500,
        alarm_on="entering",
    )
    first, second = rig.server.device(TRUCK).fences
    assert first.name == zone.name
    assert first.zone.centre.latitude == zone.attributes["latitude"]
    assert first.zone.radius == zone.attributes["radius"] == 100
    assert first.kinds == {"entered", "left"}
    assert (second.name, second.zone.radius) == ("Yard", 500)
    assert second.kinds == {"entered"}


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "zone_or_place"),
        ({"name": "x", "latitude": 1, "longitude": 1}, "zone_or_place"),
        ({"zone": "zone.nowhere"}, "unknown_zone"),
        ({"zone": "zone.home", "radius": 99}, "radius_out_of_range"),
        ({"zone": "zone.home", "radius": 5001}, "radius_out_of_range"),
        ({"zone": "zone.home", "alarm_on": "never"}, "invalid_fields"),
        ({"zone": "light.kitchen"}, "invalid_fields"),
    ],
)
async def test_geofences_that_cannot_be(
    rig: Rig, fields: dict[str, object], key: str
) -> None:
    """The user is told of wrong values before anything is sent."""
    with pytest.raises(ServiceValidationError) as raised:
        await call(rig, "create_geofence", TRUCK, response=False, **fields)
    assert raised.value.translation_key == key
    assert rig.server.requests["/api/geofence/create"] == 0


async def test_no_geofence_where_one_vehicle_is_refused(rig: Rig) -> None:
    """All vehicles are checked before the first fence is created."""
    rig.server.device(CAR).error = 20046
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "create_geofence", TRUCK, CAR, response=False, zone="zone.home")
    assert raised.value.translation_key == "vehicle_expired"
    assert rig.server.device(TRUCK).fences == []
    assert rig.server.requests["/api/geofence/create"] == 0


async def test_a_zone_that_is_too_small(hass: HomeAssistant, rig: Rig) -> None:
    """The vendor's least radius is told."""
    hass.states.async_set(
        "zone.shed", "0", {"latitude": 52.1, "longitude": 4.2, "radius": 20}
    )
    with pytest.raises(ServiceValidationError) as raised:
        await call(rig, "create_geofence", TRUCK, response=False, zone="zone.shed")
    assert raised.value.translation_key == "radius_out_of_range"
    assert "100 to 5000" in str(raised.value)


async def test_set_mileage(rig: Rig) -> None:
    """A lower odometer is right after the command, which is confirmed by the tracker."""
    assert rig.state("sensor", TRUCK, "odometer").state == "338210.0"
    answer = await call(rig, "open_api_set_mileage", TRUCK, kilometers=1234.5)
    assert answer == {rig.tracker(TRUCK): {"answer": "Set mileage: Success!"}}
    assert rig.state("sensor", TRUCK, "odometer").state == "1234.5"
    sent = next(entry for entry in rig.server.log if entry.path == "/api/command/send")
    assert sent.query["command"] == "SET_MILEAGE"
    assert sent.query["paramData"] == '{"mileage":"1234.5"}'


async def test_a_mileage_that_shows_late(rig: Rig) -> None:
    """The record may lag behind the command, but not for long."""
    device = rig.server.device(TRUCK)
    device.overrides = {"mileage": 338_210_000}
    await call(rig, "open_api_set_mileage", TRUCK, response=False, kilometers=1000)
    assert rig.state("sensor", TRUCK, "odometer").state == "338210.0"
    device.overrides = {}
    await rig.poll()
    assert rig.state("sensor", TRUCK, "odometer").state == "1000.0"
    # A drop that follows no command is none.
    rig.freezer.tick(600)
    device.overrides = {"mileage": 5}
    await rig.poll()
    assert float(rig.state("sensor", TRUCK, "odometer").state) >= 1000


@pytest.mark.parametrize("kilometres", [-1, 10_000_000, "many", None])
async def test_mileages_that_cannot_be(rig: Rig, kilometres: object) -> None:
    """The action refuses them before anything is sent."""
    with pytest.raises(ServiceValidationError) as raised:
        await call(rig, "open_api_set_mileage", TRUCK, kilometers=kilometres)
    assert raised.value.translation_key == "invalid_fields"
    assert rig.server.requests["/api/command/send"] == 0


async def test_send_a_message(rig: Rig) -> None:
    """To accounts of the account."""
    await call(
        rig,
        "open_api_send_message",
        response=False,
        accounts=["partner"],
        message="Hello",
    )
    (message,) = rig.server.messages
    assert (message.accounts, message.content) == (("partner",), "Hello")
    for accounts, text in ((["partner"], "x" * 301), ([], "Hello"), (["partner"], "")):
        with pytest.raises(ServiceValidationError) as invalid:
            await call(
                rig,
                "open_api_send_message",
                response=False,
                accounts=accounts,
                message=text,
            )
        assert invalid.value.translation_key == "invalid_fields"
    with pytest.raises(HomeAssistantError) as raised:
        await call(
            rig,
            "open_api_send_message",
            response=False,
            accounts=["nobody"],
            message="Hello",
        )
    assert raised.value.translation_key == "target_unknown"


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("get_route", {}),
        ("get_alarms", {}),
        ("open_api_set_mileage", {"kilometers": 1}),
        ("create_geofence", {"zone": "zone.home"}),
    ],
)
async def test_a_vehicle_that_is_refused(
    rig: Rig, action: str, fields: dict[str, object]
) -> None:
    """The user is told why."""
    rig.server.device(CAR).error = 20046
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, action, CAR, response=action != "create_geofence", **fields)
    assert raised.value.translation_key == "vehicle_expired"


async def test_without_the_server(rig: Rig) -> None:
    """The user is told so."""
    await rig.server.stop()
    with pytest.raises(HomeAssistantError) as raised:
        await call(rig, "get_route", TRUCK)
    assert raised.value.translation_key == "cannot_connect"
    await rig.server.start()
    assert await call(rig, "get_route", TRUCK)
