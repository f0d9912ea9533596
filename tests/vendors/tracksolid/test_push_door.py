"""Pushes through the real door of Home Assistant."""

from __future__ import annotations

from http import HTTPStatus

from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from tests.simulators.tracksolid import pushes

from .helpers import CAM, VAN
from .home import NOW, Home

pytestmark = pytest.mark.freeze_time(NOW)

DONE = {"code": 0, "msg": "success"}


async def test_every_family(
    home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """All paths of chapter 10 as form and as JSON, notifications, and TAG pushes."""
    client = await hass_client_no_auth()
    van = home.sim.devices[VAN]
    for path in pushes.PATHS:
        item = pushes.sample(path, van, home.sim.now)
        assert await home.push(client, path, [item]) == (HTTPStatus.OK, DONE)
    pusher = pushes.Pusher(client, home.push_base)
    for path in pushes.PATHS:
        item = pushes.sample(path, van, home.sim.now)
        assert await pusher.data(path, [item]) == (HTTPStatus.OK, DONE)
    status, _ = await pusher.message(
        "jimi.push.device.alarm",
        {"imei": VAN, "alarmType": "2", "alarmName": "Power cut", "alarmTime": "x"},
    )
    assert status == HTTPStatus.OK
    assert await pusher.tags([pushes.tag(van, home.sim.now)]) == (
        HTTPStatus.OK,
        {"code": 200, "msg": "success"},
    )
    await home.processed()
    counters = home.connection.diagnostics()["counters"]
    assert isinstance(counters, dict)
    assert counters["pushes"] == 2 * len(pushes.PATHS) + 2
    # What came a second time as a form is known from the first time as JSON.
    assert counters["duplicates"] == len(pushes.PATHS)


async def test_readings_are_shown(
    home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """A pushed position moves the tracker at once, and new readings make entities."""
    client = await hass_client_no_auth()
    van = home.sim.devices[VAN]
    await home.elapse(100)
    assert not home.has("binary_sensor", "tracker_charging")
    await home.push(client, "/pushgps", [pushes.gps(van, home.sim.now)])
    await home.push(
        client, "/pushhb", [pushes.heartbeat(van, home.sim.now, charging=1)]
    )
    await home.push(client, "/pushoil", [pushes.oil(van, home.sim.now, 2, 42.5, 4)])
    place = van.report(home.sim.now)[0].place
    tracker = home.state("device_tracker", "position")
    assert tracker.attributes["latitude"] == pytest.approx(place.latitude, abs=1e-3)
    await home.enable("binary_sensor", "tracker_charging", "armed")
    await home.enable("sensor", "fuel_sensor_volume_2", "altitude")
    await home.poll()
    assert float(home.state("sensor", "altitude").state) == 12
    assert home.state("binary_sensor", "tracker_charging").state == "on"
    assert home.state("binary_sensor", "armed").state == "off"
    assert float(home.state("sensor", "fuel_sensor_volume_2").state) == 42.5


async def test_alarm_fires_once_though_sent_twice(
    home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Sent twice, in both families, and polled: one alarm is one event."""
    client = await hass_client_no_auth()
    van = home.sim.devices[VAN]
    fired = home.events("event", "alarm")
    item = pushes.alarm(van, "3", "Vibration alert", home.sim.now)
    van.alarms.append(van.alarm("3", "Vibration alert", home.sim.now))
    pusher = pushes.Pusher(client, home.push_base)
    told = pushes.notification(van, "3", "Vibration alert", home.sim.now)
    for _ in range(2):
        assert await home.push(client, "/pushalarm", [item]) == (HTTPStatus.OK, DONE)
        status, _ = await pusher.message("jimi.push.device.alarm", told)
        assert status == HTTPStatus.OK
    await home.poll(10)
    vibrations = [one for one in fired if one.attributes["code"] == "3"]
    assert len(vibrations) == 1
    assert vibrations[0].attributes["event_type"] == "vibration"
    assert "lat" not in vibrations[0].attributes


async def test_unknown_alarm_passes_with_its_number(
    home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Automations can use what the table does not know."""
    client = await hass_client_no_auth()
    fired = home.events("event", "alarm")
    van = home.sim.devices[VAN]
    item = pushes.alarm(van, "4711", "Something new", home.sim.now)
    await home.push(client, "/pushalarm", [item])
    assert fired[-1].attributes["event_type"] == "other"
    assert fired[-1].attributes["code"] == "4711"


async def test_device_data_and_trips(
    home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """What has no place in the model fires an event; a trip fires and is shown."""
    client = await hass_client_no_auth()
    truck, now = home.sim.devices[CAM], home.sim.now
    await home.push(client, "/wgtc", [pushes.sample("/wgtc", truck, now)])
    await home.push(client, "/pushtripreport", [pushes.trip(truck, now - 600, now)])
    await home.enable("event", "device_data", imei=CAM)
    assert home.state("event", "trip", CAM).attributes["event_type"] == "trip_ended"
    fired = home.events("event", "device_data", CAM)
    await home.elapse(5)
    item = pushes.sample("/rfid", truck, home.sim.now)
    await home.push(client, "/rfid", [item])
    assert fired[-1].attributes["code"] == "rfid"
    assert "0A0B0C0D" not in str(fired[-1].attributes)


async def test_token(home: Home, hass_client_no_auth: ClientSessionGenerator) -> None:
    """With a token agreed upon, another one is refused and told of."""
    await home.set_options(push_token="t0ken")
    client = await hass_client_no_auth()
    item = pushes.sample("/pushhb", home.sim.devices[VAN], home.sim.now)
    for token, status in (("wrong", HTTPStatus.FORBIDDEN), ("t0ken", HTTPStatus.OK)):
        answer = await client.post(
            f"{home.push_base}/pushhb", json={"token": token, "data_list": [item]}
        )
        assert answer.status == status
        assert ("tracksolid_push_token" in home.issues()) is (token == "wrong")
    await home.processed()
    await client.post(f"{home.push_base}/pushhb", json={"token": "x", "data_list": []})
    assert "tracksolid_push_token" in home.issues()
    options = dict(home.entry.options)
    del options["push_token"]
    home.hass.config_entries.async_update_entry(home.entry, options=options)
    await home.hass.async_block_till_done(wait_background_tasks=True)
    assert home.issues() == set()


async def test_probes_and_strangers(
    hass: HomeAssistant, home: Home, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """Empty probes are answered, other paths and secrets are not there, nor a MiB."""
    client = await hass_client_no_auth()
    for path in ("", "/pushgps"):
        assert (await client.get(home.push_base + path)).status == HTTPStatus.OK
        assert (await client.post(home.push_base + path)).status == HTTPStatus.OK
    for path, status in (
        (f"{home.push_base}/nothing", HTTPStatus.NOT_FOUND),
        ("/api/fleet_tracker/push/guess/pushgps", HTTPStatus.NOT_FOUND),
    ):
        assert (await client.post(path, json={"data_list": [{}]})).status == status
    item = pushes.sample("/pushhb", home.sim.devices[VAN], home.sim.now)
    many = await client.post(
        f"{home.push_base}/pushhb", json={"data_list": [item] * 51}
    )
    # More items than the document's 50 are taken all the same.
    assert many.status == HTTPStatus.OK
    large = await client.post(f"{home.push_base}/pushhb", data=b"x" * (1024 * 1024 + 1))
    assert large.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    await hass.config_entries.async_unload(home.entry.entry_id)
    unloaded = await client.post(f"{home.push_base}/pushhb", json={"data_list": [item]})
    assert unloaded.status == HTTPStatus.SERVICE_UNAVAILABLE
