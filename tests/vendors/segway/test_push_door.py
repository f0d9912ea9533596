"""Pushes through the real HTTP doors: who gets in, and what a push then does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.pushes.body import LARGEST_BODY
from custom_components.fleet_tracker.pushes.door import PUSH_PATH
from custom_components.fleet_tracker.vendors.segway.push import sign
from tests.common import other_server
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_push import signature

from .rig import PARKED, RIDING, START, Clients, Door, Rig, add_account, add_vehicle

pytestmark = pytest.mark.freeze_time(START)

FORM = "application/x-www-form-urlencoded"
ALERT = "/v2/vehicle/alert"


def alert_form(door: Door, imei: str = PARKED, code: int = 1) -> dict[str, str]:
    """Return a signed alert."""
    return door.sender.form(imei, door.rig.server.alert_push(code))


async def post(
    door: Door, form: dict[str, str] | bytes, path: str | None = None
) -> tuple[int, Any]:
    """Send a form behind the secret, or to another path, and return the answer."""
    response = await door.client.post(
        path or f"{PUSH_PATH}/{door.secret}{ALERT}",
        data=form if isinstance(form, bytes) else urlencode(form),
        headers={"Content-Type": FORM},
    )
    await door.rig.settle()
    body = await response.json() if response.content_type.endswith("json") else None
    return response.status, body


def alert_is(rig: Rig, imei: str = PARKED) -> str | None:
    """Return what the sensor of illegal movement shows, None if there is none."""
    if rig.entity_id("binary_sensor", imei, "alert_illegal_movement") is None:
        return None
    return rig.state("binary_sensor", imei, "alert_illegal_movement").state


# --- signatures ---


def test_vector() -> None:
    """The worked example, of the integration and of the simulator."""
    parameters = {
        "iotCode": "LKV110ZZZ",
        "charging": "false",
        "powerPercent": "85",
        "t": "1591067719000",
    }
    expected = "0c9420b70c3f377e47a0d924a5c6972c"
    assert signature(parameters, "abc123") == expected
    assert sign(parameters.items(), "abc123") == expected
    assert sign([*parameters.items(), ("signature", "x")], "abc123") == expected


async def test_right_signature(door: Door) -> None:
    """A signed push is processed and answered as the document says."""
    status, body = await post(door, alert_form(door))
    assert (status, body["code"]) == (200, 0)
    assert alert_is(door.rig) == "on"


async def test_wrong_signature(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong signature is refused, said once in the log and counted in the issue."""
    form = {**alert_form(door), "signature": "0" * 32}
    for _ in range(5):
        assert (await post(door, form))[0] == 403
    assert alert_is(door.rig) is None
    warnings = [one for one in caplog.messages if "wrong signature" in one]
    assert len(warnings) == 1
    assert "127.0.0.1" in warnings[0]
    assert PARKED not in warnings[0]
    issue = door.rig.issues()["segway_push_signature"]
    assert issue == {"account": "Segway E20081", "count": "4"}
    assert (await post(door, alert_form(door)))[0] == 200
    assert "segway_push_signature" not in door.rig.issues()


async def test_new_secret(door: Door) -> None:
    """The issue about a wrong secret ends with the first push that fits the new one."""
    rig = door.rig
    door.sender.client_secret = rig.server.client_secret = "new-secret"
    assert await door.alert(PARKED, 1) == 403
    assert "segway_push_signature" in rig.issues()
    flows = rig.hass.config_entries.flow
    result = await flows.async_init(
        DOMAIN,
        context={"source": SOURCE_RECONFIGURE, "entry_id": rig.entry.entry_id},
    )
    result = await flows.async_configure(
        result["flow_id"],
        {
            "client_id": rig.server.client_id,
            "client_secret": "new-secret",
            **other_server(rig.server.url),
        },
    )
    assert result["reason"] == "reconfigure_successful"
    await rig.settle()
    assert await door.alert(PARKED, 1) == 200
    assert not rig.issues()


async def test_missing_signature(door: Door) -> None:
    """Without a signature nobody gets in."""
    form = alert_form(door)
    del form["signature"]
    assert (await post(door, form))[0] == 403
    assert alert_is(door.rig) is None


async def test_changed_parameter(door: Door) -> None:
    """A push whose content was changed is refused."""
    form = {**alert_form(door), "iotCode": RIDING}
    assert (await post(door, form))[0] == 403
    assert alert_is(door.rig, RIDING) is None


async def test_reordered_parameters(door: Door) -> None:
    """The order of parameters does not matter."""
    form = dict(reversed(alert_form(door).items()))
    assert (await post(door, form))[0] == 200
    assert alert_is(door.rig) == "on"


async def test_unknown_parameters(door: Door) -> None:
    """Parameters that no document knows are signed as well."""
    fields = {**door.rig.server.alert_push(1), "zNew": "ä b&c", "empty": ""}
    form = door.sender.form(PARKED, fields)
    assert (await post(door, {**form, "zNew": "other"}))[0] == 403
    assert (await post(door, form))[0] == 200
    assert alert_is(door.rig) == "on"


async def test_upper_case_signature(door: Door) -> None:
    """Hexadecimal digits may be written large."""
    form = alert_form(door)
    form["signature"] = form["signature"].upper()
    assert (await post(door, form))[0] == 200


async def test_replay(door: Door) -> None:
    """A push that comes again is answered, and does nothing."""
    form = alert_form(door)
    assert (await post(door, form))[0] == 200
    raised = door.rig.state("event", PARKED, "alarm")
    await door.rig.advance(60)
    assert await door.alert(PARKED, 1, cleared=True) == 200
    cleared = door.rig.state("event", PARKED, "alarm")
    assert raised.state != cleared.state
    await door.rig.advance(60)
    assert (await post(door, form))[0] == 200
    assert alert_is(door.rig) == "off"
    assert door.rig.state("event", PARKED, "alarm").state == cleared.state


async def test_replay_after_a_restart(door: Door) -> None:
    """An occurrence that fired before a restart does not fire again."""
    form = alert_form(door)
    await post(door, form)
    await door.rig.advance(60)
    await door.alert(PARKED, 1, cleared=True)
    cleared = door.rig.state("event", PARKED, "alarm").state
    await door.rig.advance(1)
    await door.rig.reload()
    assert (await post(door, form))[0] == 200
    assert door.rig.state("event", PARKED, "alarm").state == cleared
    assert alert_is(door.rig) != "on"


async def test_single_retry(door: Door) -> None:
    """What was lost while the account was not loaded comes with the one retry."""
    rig = door.rig
    await rig.hass.config_entries.async_unload(rig.entry.entry_id)
    assert (await post(door, alert_form(door)))[0] == 503
    await rig.hass.config_entries.async_setup(rig.entry.entry_id)
    await rig.settle()
    assert (await post(door, alert_form(door)))[0] == 200
    assert alert_is(rig) == "on"


# --- who else knocks ---


async def test_foreign_platform_code(door: Door) -> None:
    """A push for another account is refused, whoever signed it."""
    door.sender.client_id = "E99999"
    assert (await post(door, alert_form(door)))[0] == 403
    assert alert_is(door.rig) is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{PUSH_PATH}/wrong{ALERT}", 404),
        (f"{PUSH_PATH}/{{secret}}/v2/vehicle/other", 404),
        (f"{PUSH_PATH}/{{secret}}", 404),
        (ALERT, 404),
    ],
)
async def test_wrong_paths(door: Door, path: str, status: int) -> None:
    """Paths that do not exist say so, the root paths too unless they are allowed."""
    form = alert_form(door)
    assert (await post(door, form, path.format(secret=door.secret)))[0] == status
    assert alert_is(door.rig) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 403),
        (b"\xff\xfe", 400),
        (b"&".join(b"a=b" for _ in range(200)), 400),
        (b"x" * (LARGEST_BODY + 1), 413),
    ],
)
async def test_hostile_bodies(door: Door, body: bytes, status: int) -> None:
    """A body that is no form, or is too large, is refused."""
    assert (await post(door, body))[0] == status


async def test_malformed_push(door: Door) -> None:
    """A signed push without its content is refused, so that it may come again."""
    form = door.sender.form(PARKED, {"statusUtcTime": 1})
    assert (await post(door, form))[0] == 400


async def test_get(door: Door) -> None:
    """Pushes are posted."""
    response = await door.client.get(f"{PUSH_PATH}/{door.secret}{ALERT}")
    assert response.status == 405


# --- the root paths ---


@pytest.fixture
async def root_door(
    hass: HomeAssistant,
    hass_storage: dict[str, object],
    home_server: SegwaySimulator,
    freezer: FrozenDateTimeFactory,
    hass_client_no_auth: Clients,
) -> AsyncIterator[Door]:
    """Return two accounts that allow the root paths; the second's sender knocks there."""
    await add_account(hass, home_server, push_at_root=True)
    async with SegwaySimulator(client_id="E2", client_secret="s2") as other:
        entry = await add_account(hass, other, push_at_root=True)
        await add_vehicle(hass, entry, PARKED)
        rig = Rig(hass, other, freezer, entry)
        await rig.advance(0.1)
        client = await hass_client_no_auth()
        sender = other.sender(str(client.make_url("/"))[:-1])
        yield Door(rig, client, entry.data["push_secret"], sender)
        await sender.close()
        await hass.config_entries.async_unload(entry.entry_id)


async def test_push_at_the_root(root_door: Door) -> None:
    """At the root the platform code picks the account."""
    assert await root_door.alert(PARKED, 1) == 200
    assert alert_is(root_door.rig) == "on"
    assert root_door.sender.statuses == [200]


async def test_strangers_at_the_root(root_door: Door) -> None:
    """Whoever is unknown, or signs wrongly, is turned away; that raises no issue."""
    form = {**alert_form(root_door), "signature": "0" * 32}
    assert (await post(root_door, form, ALERT))[0] == 403
    root_door.sender.client_id = "E99999"
    assert (await post(root_door, alert_form(root_door), ALERT))[0] == 404
    assert not root_door.rig.issues()
    assert alert_is(root_door.rig) is None


# --- what pushes bring ---


async def test_status_and_location(door: Door) -> None:
    """Pushed status and location are shown at once."""
    rig = door.rig
    moped = rig.moped(PARKED)
    moped.locked, moped.percent, moped.online = False, 33, True
    await rig.advance(1)
    await door.tell(PARKED)
    assert rig.state("lock", PARKED, "locked").state == "unlocked"
    assert rig.state("sensor", PARKED, "battery").state == "33"
    before = rig.state("device_tracker", RIDING, "position").attributes["latitude"]
    rig.freezer.tick(10)
    await door.tell(RIDING)
    after = rig.state("device_tracker", RIDING, "position").attributes
    assert after["latitude"] != before
    assert after["gps_accuracy"] == 7  # 5 m for each 1 of HDOP 1.38


async def test_invalid_location(door: Door) -> None:
    """A location without a fix moves nothing."""
    rig = door.rig
    before = rig.state("device_tracker", PARKED, "position").attributes["latitude"]
    for changed in (
        {"locationStatus": "invalid"},
        {"latitude": "0.0", "longitude": "0.0"},
    ):
        await rig.advance(10)
        fields = {**rig.server.location_push(PARKED), "latitude": "48.1", **changed}
        assert await door.push("location", PARKED, fields) == 200
    after = rig.state("device_tracker", PARKED, "position").attributes["latitude"]
    assert after == before


@pytest.mark.parametrize(
    ("code", "reading", "event"),
    [
        (1, "alert_illegal_movement", "illegal_movement"),
        (2, "alert_fallen", "fallen"),
        (3, "alert_tampering", "tampering"),
        (10, "alert_battery_removed_1", "battery_removed"),
        (11, "alert_battery_removed_2", "battery_removed"),
        (12, "alert_battery_low", "battery_low"),
    ],
)
async def test_alerts(door: Door, code: int, reading: str, event: str) -> None:
    """Each alert has a sensor from the first time on, and fires when it comes and goes."""
    rig = door.rig
    assert rig.entity_id("binary_sensor", PARKED, reading) is None
    assert await door.alert(PARKED, code) == 200
    if code != 1:
        await rig.enable("binary_sensor", PARKED, reading)
        assert rig.state("binary_sensor", PARKED, reading).state == "unknown"
        await rig.advance(1)
        assert await door.alert(PARKED, code) == 200
    assert rig.state("binary_sensor", PARKED, reading).state == "on"
    alarm = rig.state("event", PARKED, "alarm").attributes
    assert (alarm["event_type"], alarm["code"]) == (event, str(code))
    await rig.advance(10)
    assert await door.alert(PARKED, code, cleared=True) == 200
    assert rig.state("binary_sensor", PARKED, reading).state == "off"
    alarm = rig.state("event", PARKED, "alarm").attributes
    assert (alarm["event_type"], alarm["cleared"]) == ("cleared", event)


async def test_fallen_while_unlocked(door: Door) -> None:
    """Alert 4 is cleared as alert 2: both are the one sensor."""
    rig = door.rig
    await door.alert(PARKED, 4)
    await rig.enable("binary_sensor", PARKED, "alert_fallen")
    await rig.advance(1)
    await door.alert(PARKED, 4)
    assert rig.state("binary_sensor", PARKED, "alert_fallen").state == "on"
    await rig.advance(1)
    await door.alert(PARKED, 2, cleared=True)
    assert rig.state("binary_sensor", PARKED, "alert_fallen").state == "off"


async def test_alert_that_never_ends(door: Door) -> None:
    """An alert whose end was lost clears after a day."""
    rig = door.rig
    await door.alert(PARKED, 1)
    await rig.advance(23 * 3600)
    assert alert_is(rig) == "on"
    await rig.advance(3700)
    await rig.advance(900)
    assert alert_is(rig) == "off"


async def test_unknown_alert(door: Door) -> None:
    """A code that no document lists fires as another alarm."""
    assert await door.alert(PARKED, 99) == 200
    alarm = door.rig.state("event", PARKED, "alarm").attributes
    assert (alarm["event_type"], alarm["code"]) == ("other", "99")


async def test_faults(door: Door) -> None:
    """While any fault is raised there is a problem; its codes are in the events."""
    rig = door.rig
    await rig.enable("event", PARKED, "fault")
    assert rig.entity_id("binary_sensor", PARKED, "problem") is None
    await door.fault(PARKED, "E5")
    fault = rig.state("event", PARKED, "fault").attributes
    assert fault["event_type"] == "trouble_code"
    assert (fault["code"], fault["system"]) == ("E5", "IoT")
    assert fault["name"] == "GNSS communication error"
    await rig.advance(1)
    await door.fault(PARKED, "42")
    await rig.advance(1)
    await door.fault(PARKED, "E5", cleared=True)
    assert rig.state("event", PARKED, "fault").attributes["event_type"] == "cleared"
    assert rig.state("binary_sensor", PARKED, "problem").state == "on"
    await rig.reload()
    assert rig.state("binary_sensor", PARKED, "problem").state == "on"
    await rig.advance(1)
    await door.fault(PARKED, "42", cleared=True)
    assert rig.state("binary_sensor", PARKED, "problem").state == "off"


async def test_components(door: Door) -> None:
    """Saddle and tail box are told with numbers of their own; a helmet is counted anew."""
    rig = door.rig
    for reading in ("saddle_unlocked", "tailbox_unlocked"):
        await rig.enable("binary_sensor", PARKED, reading)
    await rig.enable("sensor", PARKED, "tailbox_helmets")
    rig.moped(PARKED).saddle_locked = False
    await rig.advance(3600)
    assert rig.state("binary_sensor", PARKED, "saddle_unlocked").state == "on"
    rig.moped(PARKED).saddle_locked = True
    await rig.advance(1)
    assert (
        await door.push("components", PARKED, rig.server.components_push(1, 2)) == 200
    )
    assert rig.state("binary_sensor", PARKED, "saddle_unlocked").state == "off"
    rig.moped(PARKED).tailbox_helmets = 0
    await rig.advance(1)
    assert (
        await door.push("components", PARKED, rig.server.components_push(4, 2)) == 200
    )
    await rig.advance(2)
    assert rig.state("sensor", PARKED, "tailbox_helmets").state == "0"
