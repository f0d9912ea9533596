"""Each blueprint runs when its thing happens, once, and not by a restart or an outage."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from homeassistant.auth.models import User
from homeassistant.core import Context, HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.util import dt as dt_util
import pytest

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.contract.history import Trip
from custom_components.fleet_tracker.model.vehicle import OccurrenceType
from tests.automations.house import House
from tests.common import entity_id, set_up_component
from tests.neutral_vendor import Past, alarm

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NAMES = {
    "ignition_notice.yaml",
    "left_unlocked.yaml",
    "low_battery.yaml",
    "silent.yaml",
    "theft_and_tow.yaml",
    "weekly_report.yaml",
    "zone_arrive_leave.yaml",
}


@pytest.fixture(autouse=True)
async def own_folder(hass: HomeAssistant, tmp_path: Path) -> AsyncGenerator[None]:
    """Keep what is installed in a folder of the test, and end the automations after it."""
    hass.config.config_dir = str(tmp_path)
    yield
    if hass.services.has_service("automation", "turn_off"):
        await hass.services.async_call(
            "automation", "turn_off", {"entity_id": "all"}, blocking=True
        )


def folder_of(hass: HomeAssistant) -> Path:
    """Return where the blueprints are installed."""
    return Path(hass.config.path("blueprints", "automation", DOMAIN))


def files(hass: HomeAssistant) -> dict[str, str]:
    """Return the texts of the installed blueprints by the names of their files."""
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in folder_of(hass).glob("*.yaml")
    }


def write(hass: HomeAssistant, name: str, text: str) -> None:
    """Write a blueprint as the user does."""
    (folder_of(hass) / name).write_text(text, encoding="utf-8")


async def install(hass: HomeAssistant, **more: Any) -> dict[str, Any]:
    """Install the blueprints and return what was done."""
    answer = await hass.services.async_call(
        DOMAIN, "install_blueprints", blocking=True, return_response=True, **more
    )
    assert answer is not None
    return dict(answer)


async def use(house: House, blueprint: str, **inputs: Any) -> None:
    """Have an automation made from a blueprint, which says what it tells."""
    await set_up_component(house.hass, "automation")
    await install(house.hass)
    actions = [
        {
            "event": "ran",
            "event_data": {"message": "{{ message }}", "page": "{{ page }}"},
        }
    ]
    configuration = {
        "alias": blueprint,
        "use_blueprint": {
            "path": f"{DOMAIN}/{blueprint}.yaml",
            "input": {**inputs, "actions": actions},
        },
    }
    await house.reload_automations(configuration)


def messages(house: House) -> list[str]:
    """Return what was told, without the space around it."""
    return [event.data["message"].strip() for event in house.runs]


def of(house: House, platform: str, key: str) -> str:
    """Return the entity of the van."""
    found = entity_id(house.hass, platform, key)
    assert found is not None
    return found


async def disturb(house: House) -> None:
    """Reload the account, then let the vendor be away until all is unavailable."""
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.wait(MINUTE)
    house.cloud.poll_error = CannotConnect("down")
    for _ in range(15):
        await house.wait(MINUTE)
    house.cloud.poll_error = None
    for _ in range(2):
        await house.wait(MINUTE)


async def test_install_writes_each_once(house: House) -> None:
    """They are written when asked for; written ones are left, and changed ones are kept."""
    await house.start()
    with pytest.raises(ServiceValidationError):
        await install(house.hass)
    await set_up_component(house.hass, "automation")
    assert not files(house.hass)

    first = await install(house.hass)
    assert set(first["written"]) == set(files(house.hass)) == NAMES

    write(house.hass, "silent.yaml", "mine: true\n")
    (folder_of(house.hass) / "ignition_notice.yaml").unlink()
    again = await install(house.hass)
    assert again["kept"] == ["silent.yaml"]
    assert again["written"] == ["ignition_notice.yaml"]
    assert set(again["unchanged"]) == NAMES - {"silent.yaml", "ignition_notice.yaml"}
    assert files(house.hass)["silent.yaml"] == "mine: true\n"


async def test_install_replaces_its_own_older_file(
    house: House, hass_storage: dict[str, Any]
) -> None:
    """A file that an older version wrote, and nobody changed, is replaced."""
    await house.start()
    await set_up_component(house.hass, "automation")
    await install(house.hass)
    current = files(house.hass)["silent.yaml"]
    older = current.replace("Vehicle silent", "Vehicle quiet")
    write(house.hass, "silent.yaml", older)
    assert (await install(house.hass))["kept"] == ["silent.yaml"]

    digests = hass_storage[f"{DOMAIN}.blueprints"]["data"]
    digests["silent.yaml"] = sha256(older.encode()).hexdigest()
    assert (await install(house.hass))["written"] == ["silent.yaml"]
    assert files(house.hass)["silent.yaml"] == current


async def open_page(hass: HomeAssistant, entry_id: str) -> dict[str, Any]:
    """Return the page of an account's options that installs the blueprints."""
    options = hass.config_entries.options
    menu = await options.async_init(entry_id)
    assert "blueprints" in (menu["menu_options"] or ())
    page = {"next_step_id": "blueprints"}
    return dict(await options.async_configure(menu["flow_id"], page))


async def confirm(hass: HomeAssistant, page: dict[str, Any]) -> dict[str, Any]:
    """Return how the page ended."""
    assert page["type"] is FlowResultType.FORM
    return dict(await hass.config_entries.options.async_configure(page["flow_id"], {}))


async def test_install_by_the_options(house: House) -> None:
    """The options install them once asked and confirmed, and tell what was done."""
    coordinator = await house.start()
    entry_id = house.entry.entry_id
    end = await confirm(house.hass, await open_page(house.hass, entry_id))
    assert end["reason"] == "no_automations"

    await set_up_component(house.hass, "automation")
    page = await open_page(house.hass, entry_id)
    assert not files(house.hass)
    end = await confirm(house.hass, page)
    assert end["reason"] == "blueprints_installed"
    assert end["description_placeholders"]["written"] == ", ".join(sorted(NAMES))
    assert set(files(house.hass)) == NAMES

    write(house.hass, "silent.yaml", "mine: true\n")
    end = await confirm(house.hass, await open_page(house.hass, entry_id))
    assert end["description_placeholders"]["kept"] == "silent.yaml"
    assert end["description_placeholders"]["written"] == "–"
    assert files(house.hass)["silent.yaml"] == "mine: true\n"
    # The account was not reloaded by that.
    assert house.entry.runtime_data is coordinator


async def test_install_into_a_folder_that_is_none(house: House) -> None:
    """A folder that cannot be written is told in words, by the action and the options."""
    await house.start()
    await set_up_component(house.hass, "automation")
    folder = folder_of(house.hass)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(HomeAssistantError) as error:
        await install(house.hass)
    assert error.value.translation_key == "blueprints_not_written"
    page = await open_page(house.hass, house.entry.entry_id)
    assert (await confirm(house.hass, page))["reason"] == "blueprints_not_written"


async def test_install_is_for_administrators(
    house: House, hass_read_only_user: User
) -> None:
    """Who is no administrator may not write into the configuration."""
    await house.start()
    await set_up_component(house.hass, "automation")
    with pytest.raises(Unauthorized):
        await install(house.hass, context=Context(user_id=hass_read_only_user.id))


async def test_ignition_notice(house: House) -> None:
    """The ignition is told when it is turned on or off, but not in quiet hours."""
    await house.start()
    await use(
        house,
        "ignition_notice",
        ignition=[of(house, "binary_sensor", "ignition")],
        which=["on", "off"],
        quiet_from="22:00:00",
        quiet_to="06:00:00",
    )
    house.freezer.move_to(
        dt_util.start_of_local_day(dt_util.now()) + timedelta(hours=12)
    )
    await house.tell(ignition=True)
    await house.tell(ignition=False)
    await disturb(house)
    assert messages(house) == ["Van Ignition: On", "Van Ignition: Off"]
    house.freezer.move_to(
        dt_util.start_of_local_day(dt_util.now()) + timedelta(hours=23)
    )
    await house.tell(ignition=True)
    house.freezer.tick(timedelta(hours=6))
    await house.tell(ignition=False)
    assert len(house.runs) == 2
    house.freezer.tick(timedelta(hours=2))
    await house.tell(ignition=True)
    assert len(house.runs) == 3
    assert house.runs[0].data["page"] == "/map"


async def test_theft_and_tow(house: House) -> None:
    """It runs for alarms and movement of a parked van while armed, never for driving."""
    await house.start()
    await set_up_component(
        house.hass, "input_boolean", {"input_boolean": {"armed": {"initial": True}}}
    )
    armed = {"condition": "state", "entity_id": "input_boolean.armed", "state": "on"}
    await use(
        house,
        "theft_and_tow",
        alarms=[of(house, "event", "alarm")],
        activities=[of(house, "sensor", "activity")],
        trackers=[of(house, "device_tracker", "position")],
        only_if=[armed],
    )
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.SOS))
    assert not house.runs
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.VIBRATION, code="2"))
    assert len(house.runs) == 1
    # It is carried away, falls silent on the way, and is set down.
    for _ in range(3):
        await house.tell(speed=20.0, way=0.005)
    assert messages(house)[1:] == ["Van Activity: Towed"]
    await house.tell(speed=20.0, online=False)
    await house.tell(speed=20.0, online=True, way=0.005)
    await disturb(house)
    for _ in range(8):
        await house.tell()
    assert len(house.runs) == 2
    # It drives, also where the key is told late.
    await house.tell(speed=30.0, way=0.005)
    for _ in range(3):
        await house.tell(ignition=True, speed=30.0, way=0.005)
    await house.tell(ignition=False)
    assert len(house.runs) == 2
    # It leaves a zone with its ignition off.
    tracker = of(house, "device_tracker", "position")
    named = {"friendly_name": "Van"}
    house.hass.states.async_set(tracker, "Depot", named)
    house.hass.states.async_set(tracker, "not_home", named)
    await house.hass.async_block_till_done()
    assert messages(house)[2:] == ["Van: Away"]
    await house.hass.services.async_call(
        "input_boolean", "turn_off", {"entity_id": "input_boolean.armed"}, blocking=True
    )
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.VIBRATION, code="3"))
    assert len(house.runs) == 3


async def test_zone_arrive_leave(house: House) -> None:
    """It runs after the dwell time, and only by an accurate position."""
    await house.start()
    house.hass.states.async_set(
        "zone.depot",
        "0",
        {
            "friendly_name": "Depot",
            "latitude": 52.1,
            "longitude": 5.0,
            "radius": 100,
            "passive": False,
        },
    )
    await use(
        house,
        "zone_arrive_leave",
        trackers=[of(house, "device_tracker", "position")],
        zone="zone.depot",
        dwell={"minutes": 5},
        accuracy=100,
    )
    house.actions_wait = True
    await house.drive_to(52.1)
    assert not house.runs
    for _ in range(4):
        await house.tell()
    assert messages(house) == ["Van → Depot"]
    await disturb(house)
    assert len(house.runs) == 1
    # Left by a position that is too inaccurate at first.
    await house.drive_to(52.2, accuracy=400)
    for _ in range(4):
        await house.tell()
    assert len(house.runs) == 1
    await house.drive_to(52.2)
    for _ in range(4):
        await house.tell()
    assert messages(house)[1:] == ["Van ← Depot"]


async def test_left_unlocked(house: House) -> None:
    """A parked van that stays unlocked is told once; a driving one is not."""
    house.capabilities |= {"lock"}
    await house.start()
    await house.tell(locked=True)
    await use(
        house,
        "left_unlocked",
        locks=[of(house, "lock", "locked")],
        activities=[of(house, "sensor", "activity")],
        minutes=10,
    )
    await house.tell(locked=False, ignition=True)
    for _ in range(2):
        await house.tell(speed=30.0)
    for _ in range(6):
        await house.tell(speed=40.0)
    assert not house.runs
    await house.tell(speed=0.0, ignition=False)
    for _ in range(8):
        await house.tell()
    assert len(house.runs) == 1
    assert messages(house)[0].endswith(": Unlocked")
    await disturb(house)
    for _ in range(8):
        await house.tell()
    assert len(house.runs) == 1


async def test_moped_left_unlocked(house: House) -> None:
    """One without a key is parked while it stands unlocked; its tracker may fall asleep."""
    house.capabilities |= {"lock", "keyless"}
    await house.start()
    await house.tell(locked=True)
    activity = of(house, "sensor", "activity")
    await use(
        house,
        "left_unlocked",
        locks=[of(house, "lock", "locked")],
        activities=[activity],
        minutes=10,
    )
    # Ridden for longer than the minutes, at a light on the way, and put down unlocked.
    await house.tell(locked=False, ignition=True, speed=30.0, way=0.005)
    for _ in range(6):
        await house.tell(speed=30.0, way=0.005)
    await house.tell(speed=0.0)
    for _ in range(6):
        await house.tell(speed=30.0, way=0.005)
    assert not house.runs
    for _ in range(3):
        await house.tell(speed=0.0)
    shown = house.hass.states.get(activity)
    assert shown is not None
    assert shown.state == "parked"
    await house.tell(online=False)
    for _ in range(12):
        await house.wait(MINUTE)
    assert len(house.runs) == 1
    assert messages(house)[0].endswith(": Unlocked")
    # It wakes up, and falls asleep again long after it was told.
    await house.tell(online=True)
    for _ in range(6):
        await house.tell()
    await house.tell(online=False)
    for _ in range(12):
        await house.wait(MINUTE)
    assert len(house.runs) == 1
    # Locked, and unlocked where it stands.
    await house.tell(online=True, locked=True, ignition=False)
    await house.tell(locked=False, ignition=True)
    for _ in range(6):
        await house.tell()
    assert len(house.runs) == 2


async def test_low_battery(house: House) -> None:
    """It runs once for a battery that falls below the limit, once for a power alarm."""
    await house.start()
    await house.tell(battery=50)
    await use(
        house,
        "low_battery",
        batteries=[of(house, "sensor", "battery")],
        alarms=[of(house, "event", "alarm")],
        types=["vibration"],
        below=20,
    )
    await house.tell(battery=25)
    assert not house.runs
    await house.tell(battery=15)
    await house.tell(battery=14)
    assert len(house.runs) == 1
    assert "15" in messages(house)[0]
    await disturb(house)
    assert len(house.runs) == 1
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.SOS))
    await house.tell(alarm(dt_util.utcnow(), OccurrenceType.VIBRATION, code="2"))
    assert len(house.runs) == 2


async def test_silent(house: House) -> None:
    """A van that is not heard of for the hours is told once, and again the next time."""
    await house.start()
    await use(house, "silent", contacts=[of(house, "sensor", "last_contact")], hours=2)

    async def pass_by(time: timedelta) -> None:
        for _ in range(int(time / (10 * MINUTE))):
            await house.wait(10 * MINUTE)

    house.freezer.move_to(dt_util.utcnow().replace(minute=0, second=0) + HOUR)
    await house.tell()
    await pass_by(HOUR)
    await house.tell()
    await pass_by(HOUR)
    assert not house.runs
    await pass_by(5 * HOUR)
    assert len(house.runs) == 1
    assert messages(house)[0].startswith("Van Last contact: 2 hours")
    await house.tell()
    await pass_by(5 * HOUR)
    assert len(house.runs) == 2


async def test_weekly_report(house: House) -> None:
    """It sends the distance, trips and alarms of each van once a week."""
    await house.start()
    now = dt_util.utcnow()
    house.cloud.past["1"] = Past(
        trips=[Trip(begin=now - HOUR, end=now, distance=12.5)],
        # Neither a door that is opened nor the end of an alarm is one.
        alarms=[
            alarm(now),
            alarm(now - HOUR),
            alarm(now, OccurrenceType.DOOR_OPENED),
            alarm(now, OccurrenceType.CLEARED),
        ],
        kilometres=12.5,
    )
    await use(
        house,
        "weekly_report",
        trackers=[of(house, "device_tracker", "position")],
        weekday="wed",
        at="07:00:00",
    )
    monday = dt_util.start_of_local_day(dt_util.now())
    monday += timedelta(days=(7 - monday.weekday()) % 7)
    for hour in range(24, 24 * 12, 24):
        house.freezer.move_to(
            monday + timedelta(hours=hour + 6, minutes=59, seconds=59)
        )
        await house.wait(timedelta(seconds=2))
    assert len(house.runs) == 2
    assert messages(house)[0] == "Van: 12.5 km,\n1 trips,\n2 alarms".replace("\n", " ")
