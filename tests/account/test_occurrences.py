"""Alarms and other events: each once, in order, new ones only, and none is lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import RELOAD_AFTER_UPDATE_DELAY
from homeassistant.const import (
    EVENT_HOMEASSISTANT_STARTED,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import (
    CoreState,
    Event,
    EventStateChangedData,
    HomeAssistant,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.fleet_tracker.account import occurrence_journal
from custom_components.fleet_tracker.account.coordinator import (
    TRIGGERS_BEGIN_WITHIN,
    FleetCoordinator,
)
from custom_components.fleet_tracker.account.fleet import Fleet
from custom_components.fleet_tracker.account.line_file import LineFile
from custom_components.fleet_tracker.account.occurrence_journal import (
    OccurrenceJournal,
    Receipt,
)
from custom_components.fleet_tracker.account.occurrences import (
    MOST_OF_A_MOMENT,
    MOST_REMEMBERED,
    MOST_UNDELIVERED,
    OccurrenceLog,
)
from custom_components.fleet_tracker.const import DOMAIN, EVENT_OCCURRENCE
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.event import TAKEN
from custom_components.fleet_tracker.model import merge as merge_module
from custom_components.fleet_tracker.model.derive import Derived
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.vehicle import (
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Vehicle,
)
from tests.common import (
    START,
    cloud_entry,
    elapse,
    entity_id,
    set_up,
    set_up_component,
    state_of,
)
from tests.neutral_vendor import Cloud, Clouds, alarm, told

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
ALARMS = frozenset({"events"})


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account, with a vehicle that raises alarms."""
    freezer.move_to(START)
    cloud = clouds["acme"]
    cloud.tell(told("1", START, name="Van", capabilities=ALARMS))
    return cloud


@pytest.fixture
def fired(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return what event entities fire from now on, by their attributes."""
    events: list[dict[str, Any]] = []
    last: dict[str, str] = {}

    @callback
    def on_change(event: Event[EventStateChangedData]) -> None:
        new = event.data["new_state"]
        if new is None or new.domain != "event" or "occurred_at" not in new.attributes:
            return
        if last.get(new.entity_id) != new.state:
            last[new.entity_id] = new.state
            events.append(dict(new.attributes))

    hass.bus.async_listen("state_changed", on_change)
    return events


def push(cloud: Cloud, *occurrences: Occurrence, vehicle_id: str = "1") -> None:
    """Tell of something that happened."""
    cloud.push(told(vehicle_id, dt_util.utcnow(), occurrences=occurrences))


def times(fired: list[dict[str, Any]]) -> list[datetime]:
    """Return when what was fired occurred."""
    return [event["occurred_at"] for event in fired]


def journal_of(coordinator: FleetCoordinator) -> OccurrenceJournal:
    """Return what is on disk, as after a crash."""
    return OccurrenceJournal(coordinator.hass, coordinator.config_entry.entry_id)


async def fired_rows(coordinator: FleetCoordinator) -> list[Sequence[Any]]:
    """Return what is on disk of occurrences that fired."""
    rows: list[Sequence[Any]] = []
    await journal_of(coordinator).async_load(
        lambda _vehicle, _past: None,
        lambda _vehicle, row: rows.append(row),
        lambda _vehicle: None,
    )
    return rows


def disk_of(coordinator: FleetCoordinator) -> Path:
    """Return the file that holds it."""
    return journal_of(coordinator)._file.path


def ignore(*_told: object) -> None:
    """Ignore a call that a test is not about."""


def count_writes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of what is written from now on."""
    writes: list[int] = []
    append = LineFile._append

    def counted(file: LineFile, data: bytes) -> None:
        writes.append(len(data))
        append(file, data)

    monkeypatch.setattr(LineFile, "_append", counted)
    return writes


async def test_automation_misses_none(hass: HomeAssistant, cloud: Cloud) -> None:
    """Several alarms of one moment start the README's automation as many times."""
    await set_up(hass, cloud_entry())
    alarms = entity_id(hass, "event", "alarm")
    told = async_capture_events(hass, "told")
    automation = {
        "mode": "queued",
        "triggers": {
            "trigger": "state",
            "entity_id": alarms,
            "not_from": STATE_UNAVAILABLE,
            "not_to": [STATE_UNAVAILABLE, STATE_UNKNOWN],
        },
        "actions": {
            "event": "told",
            "event_data": {"code": "{{ trigger.to_state.attributes.code }}"},
        },
    }
    await set_up_component(hass, "automation", {"automation": automation})
    push(cloud, *(alarm(START + SECOND, code=code) for code in ("1", "2", "3")))
    push(cloud, alarm(START + 2 * SECOND, code="4"))
    await hass.async_block_till_done()
    assert [str(event.data["code"]) for event in told] == ["1", "2", "3", "4"]


async def test_event_has_type_code_name_and_details(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its type in our words, the code and name in the vendor's, and the details."""
    await set_up(hass, cloud_entry())
    freezer.tick(MINUTE)
    assert state_of(hass, "event", "alarm").state == STATE_UNKNOWN
    push(
        cloud,
        alarm(START + SECOND, OccurrenceType.VIBRATION, "7", speed=3, level="high"),
    )
    assert len(fired) == 1
    event = {
        key: fired[0][key]
        for key in ("event_type", "occurred_at", "code", "name", "speed", "level")
    }
    assert event == {
        "event_type": "vibration",
        "occurred_at": START + SECOND,
        "code": "7",
        "name": "The vendor's own name",
        "speed": 3,
        "level": "high",
    }
    types = {"cleared", "door_opened", "sos", "vibration", "other"}
    assert set(fired[0]["event_types"]) == types


async def test_states_are_written_before_occurrences_fire(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An automation on an alarm finds where the vehicle was then, and how."""
    await set_up(hass, cloud_entry())
    freezer.tick(MINUTE)
    found: list[tuple[str, Any]] = []

    @callback
    def look(_: Event[Any]) -> None:
        tracker = state_of(hass, "device_tracker", "position")
        battery = state_of(hass, "sensor", "battery")
        found.append((battery.state, tracker.attributes.get("latitude")))

    hass.bus.async_listen(EVENT_OCCURRENCE, look)
    now = dt_util.utcnow() - MINUTE
    for number in (1, 2):
        cloud.push(
            told(
                "1",
                now + number * SECOND,
                battery=number,
                position=Position(
                    latitude=50 + number / 100,
                    longitude=5,
                    accuracy=10,
                    fixed_at=now + number * SECOND,
                ),
                occurrences=(alarm(now + number * SECOND),),
            )
        )
        await hass.async_block_till_done()
    assert found == [("1", 50.01), ("2", 50.02)]


async def test_unknown_type_is_other(
    hass: HomeAssistant, cloud: Cloud, fired: list[dict[str, Any]]
) -> None:
    """A type that the vendor was not known to have fires all the same."""
    await set_up(hass, cloud_entry())
    unknown = Occurrence(
        kind=OccurrenceKind.ALARM, type=OccurrenceType.FATIGUE, occurred_at=START
    )
    push(cloud, unknown)
    assert fired[0]["event_type"] == "other"
    assert "code" not in fired[0]


async def test_data_under_a_name_that_is_taken(
    hass: HomeAssistant, cloud: Cloud, fired: list[dict[str, Any]]
) -> None:
    """A vendor's own fields change nothing of what the event entity is."""
    await set_up(hass, cloud_entry())
    push(cloud, alarm(START))
    plain = state_of(hass, "event", "alarm").attributes
    own = {"occurred_at", "reported_at", "received_at", "code", "name", "message"}
    assert plain.keys() - own <= TAKEN
    told = dict.fromkeys(sorted(TAKEN), "odd")
    push(cloud, replace(alarm(START + SECOND), details={**told, "other": "odd"}))
    attributes = state_of(hass, "event", "alarm").attributes
    assert plain.keys() | {f"told_{key}" for key in TAKEN} | {"other"} == (
        attributes.keys()
    )
    for key in plain.keys() - own:
        assert attributes[key] == plain[key], key
    assert fired[-1]["told_event_type"] == "odd"


async def test_each_fires_once_and_in_order(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """However they are mixed up, and however often they are told again."""
    await set_up(hass, cloud_entry())
    freezer.tick(MINUTE)
    alarms = [alarm(START + number * SECOND) for number in range(5)]
    push(cloud, alarms[3], alarms[1], alarms[2], alarms[2])
    freezer.tick(SECOND)
    push(cloud, *alarms)
    # One that comes late fires late: it is no replay.
    assert times(fired) == [START + number * SECOND for number in (1, 2, 3, 0, 4)]
    cloud.tell(told("1", START, occurrences=tuple(alarms)))
    await elapse(hass, freezer, 61)
    assert len(fired) == 5


async def test_types_codes_and_vehicles_have_their_own_past(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A later alarm of one sort does not hide an earlier one of another."""
    cloud.tell(told("2", START, capabilities=ALARMS))
    await set_up(hass, cloud_entry())
    freezer.tick(MINUTE)
    later, earlier = START + 30 * SECOND, START + 10 * SECOND
    push(cloud, alarm(later))
    for one in (
        alarm(earlier, OccurrenceType.VIBRATION),
        alarm(earlier, code="2"),
        alarm(earlier),
    ):
        freezer.tick(SECOND)
        push(cloud, one)
    freezer.tick(SECOND)
    push(cloud, alarm(earlier), vehicle_id="2")
    assert times(fired) == [later, earlier, earlier, earlier, earlier]


async def test_two_of_one_second(
    hass: HomeAssistant, cloud: Cloud, fired: list[dict[str, Any]]
) -> None:
    """Two geofences may be left at once; the same one only once."""
    await set_up(hass, cloud_entry())
    listened: list[Occurrence] = []
    coordinator = hass.config_entries.async_entries(DOMAIN)[0].runtime_data
    coordinator.async_deliver_occurrences("1", OccurrenceKind.ALARM, listened.append)
    home, work = alarm(START, fence="home"), alarm(START, fence="work")
    push(cloud, home, work, home)
    assert listened == [home, work]
    yard = alarm(START, fence="yard")
    push(cloud, work, yard)
    assert listened == [home, work, yard]


async def test_clock_that_is_ahead_silences_nothing(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """An alarm from the future fires once, as of now; those of now still fire."""
    await set_up(hass, cloud_entry())
    future = alarm(START + timedelta(days=400))
    for occurrence in (future, alarm(START), future, alarm(START + SECOND), future):
        freezer.tick(SECOND)
        push(cloud, occurrence)
    assert times(fired) == [START + SECOND, START, START + SECOND]
    assert fired[0]["reported_at"] == future.occurred_at


async def test_late_news_of_a_running_system_fire(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """A tracker that was out of reach for hours tells what happened meanwhile."""
    await set_up(hass, cloud_entry())
    freezer.tick(timedelta(hours=5))
    push(cloud, alarm(START + timedelta(hours=1)))
    assert times(fired) == [START + timedelta(hours=1)]


async def test_after_a_restart(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What happened meanwhile fires up to an age of 15 minutes; nothing fires twice."""
    entry = cloud_entry()
    await set_up(hass, entry)
    freezer.tick(10 * MINUTE)
    before = alarm(START + 10 * MINUTE, code="4")
    push(cloud, alarm(START), before)
    assert await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    fired.clear()

    freezer.tick(10 * MINUTE)
    now = START + 20 * MINUTE
    cloud.tell(
        told(
            "1",
            now,
            capabilities=ALARMS,
            occurrences=(
                alarm(START),
                alarm(START + 4 * MINUTE),
                before,
                alarm(now - 15 * MINUTE, code="2"),
                alarm(now - 15 * MINUTE - SECOND, code="3"),
                alarm(now - SECOND),
            ),
        )
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await elapse(hass, freezer, 61)
    assert times(fired) == [now - 15 * MINUTE, now - SECOND]


async def test_saved_at_once_and_together(
    hass: HomeAssistant,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A crash right after an alarm does not repeat it; a hundred share few writes."""
    coordinator = await set_up(hass, cloud_entry())
    freezer.tick(10 * SECOND)
    writes = count_writes(monkeypatch)
    push(cloud, *(alarm(START + number * SECOND) for number in range(100)))
    await hass.async_block_till_done(wait_background_tasks=True)
    # Replays are not news to keep.
    push(cloud, *(alarm(START + number * SECOND) for number in range(100)))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert len(writes) <= 2
    stamps = [row[1] for row in await fired_rows(coordinator)]
    assert stamps == [(START + number * SECOND).isoformat() for number in range(100)]


async def test_alarm_of_a_moment_before_unloading_is_kept(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """Also if there was no time to write it before."""
    coordinator = await set_up(hass, cloud_entry())
    push(cloud, alarm(START))
    await coordinator.async_close()
    assert len(await fired_rows(coordinator)) == 1


@pytest.mark.parametrize("broken", [[1], {"1": "no times"}])
async def test_memory_that_makes_no_sense_is_forgotten(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    hass_storage: dict[str, Any],
    broken: object,
) -> None:
    """It is no reason to fail."""
    entry = cloud_entry()
    key = f"{DOMAIN}.{entry.entry_id}.memory"
    hass_storage[key] = {"version": 1, "key": key, "data": {"occurrences": broken}}
    await set_up(hass, entry)
    push(cloud, alarm(START))
    assert times(fired) == [START]


async def test_delivered_to_the_entity_that_comes_later(
    hass: HomeAssistant, cloud: Cloud, fired: list[dict[str, Any]]
) -> None:
    """The first trip makes the event entity, and is the first that it fires."""
    await set_up(hass, cloud_entry())
    assert entity_id(hass, "event", "trip") is None
    trips = tuple(
        Occurrence(
            kind=OccurrenceKind.TRIP,
            type=OccurrenceType.TRIP_ENDED,
            occurred_at=START + number * SECOND,
            details={"distance": number},
        )
        for number in range(5)
    )
    push(cloud, *trips)
    await hass.async_block_till_done()
    assert [event["distance"] for event in fired] == list(range(5))
    assert entity_id(hass, "event", "trip") is not None


async def test_any_number_of_subscribers(hass: HomeAssistant, cloud: Cloud) -> None:
    """Each is told of what it asked for, whether an event entity shows it or not."""
    coordinator = await set_up(hass, cloud_entry())
    heard: list[tuple[str, str, str]] = []

    def subscribe(name: str, *what: Any) -> Callable[[], None]:
        return coordinator.async_subscribe_occurrences(
            lambda vehicle_id, one: heard.append((name, vehicle_id, one.kind)), *what
        )

    subscribe("all")
    subscribe("one vehicle", "1")
    subscribe("one kind", None, OccurrenceKind.ALARM)
    end = subscribe("one of both", "1", OccurrenceKind.TROUBLE_CODE)

    def broken(_vehicle_id: str, _occurrence: Occurrence) -> None:
        raise RuntimeError("broken")

    coordinator.async_subscribe_occurrences(broken)
    now = dt_util.utcnow()
    code = Occurrence(
        kind=OccurrenceKind.TROUBLE_CODE,
        type=OccurrenceType.TROUBLE_CODE,
        occurred_at=now,
    )
    push(cloud, alarm(now), code)
    push(cloud, alarm(now), vehicle_id="2")
    await hass.async_block_till_done()
    assert sorted(heard) == [
        ("all", "1", "alarm"),
        ("all", "1", "trouble_code"),
        ("all", "2", "alarm"),
        ("one kind", "1", "alarm"),
        ("one kind", "2", "alarm"),
        ("one of both", "1", "trouble_code"),
        ("one vehicle", "1", "alarm"),
        ("one vehicle", "1", "trouble_code"),
    ]
    heard.clear()
    end()
    push(cloud, replace(code, occurred_at=now + SECOND))
    assert [name for name, *_ in heard] == ["one vehicle", "all"]


async def test_broken_listener_keeps_nothing_from_others(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Not from subscribers, not what waited with it, and not what came during a start."""
    entry = cloud_entry()
    await set_up(hass, entry)
    hass.set_state(CoreState.starting)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    coordinator = entry.runtime_data
    kind = OccurrenceKind.TROUBLE_CODE
    called: list[datetime] = []
    heard: list[datetime] = []

    def broken(occurrence: Occurrence) -> None:
        called.append(occurrence.occurred_at)
        raise RuntimeError("broken")

    coordinator.async_subscribe_occurrences(
        lambda _, one: heard.append(one.occurred_at), "1", kind
    )
    codes = [
        Occurrence(
            kind=kind,
            type=OccurrenceType.TROUBLE_CODE,
            occurred_at=START - number * SECOND,
        )
        for number in (4, 3, 2, 1)
    ]
    expected = [code.occurred_at for code in codes]
    push(cloud, *codes[:2])
    await hass.async_block_till_done()
    remove = coordinator.async_deliver_occurrences("1", kind, broken)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    await elapse(hass, freezer, TRIGGERS_BEGIN_WITHIN)
    assert called == heard == expected[:2]
    remove()
    push(cloud, *codes[2:])
    await hass.async_block_till_done()
    coordinator.async_deliver_occurrences("1", kind, broken)
    assert called == heard == expected


async def test_nothing_fires_before_automations_run(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    fired: list[dict[str, Any]],
) -> None:
    """What came during a start waits until Home Assistant has begun with the triggers."""
    entry = cloud_entry()
    await set_up(hass, entry)
    hass.set_state(CoreState.starting)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    now = dt_util.utcnow()
    push(cloud, alarm(now - 2 * SECOND), alarm(now - SECOND))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert fired == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert fired == []
    await elapse(hass, freezer, TRIGGERS_BEGIN_WITHIN)
    assert times(fired) == [now - 2 * SECOND, now - SECOND]
    push(cloud, alarm(now))
    await hass.async_block_till_done()
    assert len(fired) == 3


async def test_derived_occurrences_fire_too(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Derivation may tell that something happened: of news, and of time that passed."""
    coordinator = await set_up(hass, cloud_entry())
    derive = merge_module.derive

    def tell(before: Vehicle, known: Vehicle, rules: Rules, now: datetime) -> Derived:
        derived = derive(before, known, rules, now)
        return replace(derived, occurrences=(alarm(now),))

    monkeypatch.setattr(merge_module, "derive", tell)
    heard: list[datetime] = []
    coordinator.async_subscribe_occurrences(
        lambda _, one: heard.append(one.occurred_at)
    )
    freezer.tick(SECOND)
    first = dt_util.utcnow()
    cloud.push(told("1", first, battery=50))
    await hass.async_block_till_done()
    freezer.tick(SECOND)
    coordinator.fleet.refresh(["1"])
    await hass.async_block_till_done()
    assert heard == [first, first + SECOND]


async def test_what_fired_is_read_before_vehicles_are_restored(
    hass: HomeAssistant, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restored vehicle may end its trip at once, which must know what fired before."""
    entry = cloud_entry()
    await set_up(hass, entry)
    steps: list[str] = []
    load, recall = OccurrenceLog.async_load, Fleet.recall

    async def note_load(log: OccurrenceLog) -> list[Receipt]:
        receipts = await load(log)
        steps.append("read")
        return receipts

    def note_recall(fleet: Fleet, vehicle: Vehicle) -> None:
        steps.append("restored")
        recall(fleet, vehicle)

    monkeypatch.setattr(OccurrenceLog, "async_load", note_load)
    monkeypatch.setattr(Fleet, "recall", note_recall)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert steps == ["read", "restored"]


async def test_undelivered_do_not_pile_up(
    hass: HomeAssistant, cloud: Cloud, freezer: FrozenDateTimeFactory
) -> None:
    """Those of a kind that no entity shows wait, and the oldest are lost first."""
    coordinator = await set_up(hass, cloud_entry())
    freezer.tick(30 * MINUTE)
    codes = [
        Occurrence(
            kind=OccurrenceKind.TROUBLE_CODE,
            type=OccurrenceType.TROUBLE_CODE,
            occurred_at=START + number * SECOND,
        )
        for number in range(MOST_UNDELIVERED + 2)
    ]
    push(cloud, *codes)
    await hass.async_block_till_done()
    delivered: list[Occurrence] = []
    remove = coordinator.async_deliver_occurrences(
        "1", OccurrenceKind.TROUBLE_CODE, delivered.append
    )
    assert delivered == codes[2:]
    remove()
    delivered.clear()
    later = Occurrence(
        kind=OccurrenceKind.TROUBLE_CODE,
        type=OccurrenceType.TROUBLE_CODE,
        occurred_at=START + MINUTE * 20,
    )
    push(cloud, later)
    assert delivered == []
    listen = delivered.append
    coordinator.async_deliver_occurrences("1", OccurrenceKind.TROUBLE_CODE, listen)
    assert delivered == [later]
    # The end of an old listener is not that of its successor.
    remove()
    push(cloud, replace(later, occurred_at=later.occurred_at + SECOND))
    assert len(delivered) == 2


async def test_a_vehicle_that_tells_too_much(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What fired last is not kept without end, and an instant has only so many alarms."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    freezer.tick(30 * MINUTE)
    listened: list[Occurrence] = []
    coordinator.async_deliver_occurrences("1", OccurrenceKind.ALARM, listened.append)
    many = range(MOST_OF_A_MOMENT + 50)
    push(cloud, *(alarm(START, number=number) for number in many))
    await hass.async_block_till_done()
    assert len(listened) == MOST_OF_A_MOMENT
    others = [
        replace(alarm(START + number * SECOND), code=f"code {number}")
        for number in range(MOST_REMEMBERED + 1)
    ]
    listened.clear()
    push(cloud, *others)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert listened == others
    # The newest are still known.
    push(cloud, *others[1:])
    await hass.async_block_till_done(wait_background_tasks=True)
    assert listened == others


async def test_forgotten_vehicle_has_no_past(hass: HomeAssistant, cloud: Cloud) -> None:
    """What it still had to tell when its device was deleted is not told of its return."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    push(cloud, replace(alarm(START), kind=OccurrenceKind.TROUBLE_CODE))
    await hass.async_block_till_done(wait_background_tasks=True)
    coordinator.async_forget("1")
    told_late: list[Occurrence] = []
    coordinator.async_deliver_occurrences(
        "1", OccurrenceKind.TROUBLE_CODE, told_late.append
    )
    assert told_late == []
    await coordinator.async_close()
    again = OccurrenceLog(journal_of(coordinator), coordinator.memory, START)
    assert await again.async_load() == []
    assert again._past == {}


async def test_acknowledged_occurrence_fires_after_a_crash(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    freezer: FrozenDateTimeFactory,
) -> None:
    """However old it is by then, once, and only what had not fired before."""
    entry = cloud_entry()
    coordinator = await set_up(hass, entry)
    push(cloud, alarm(START, code="fired before"))
    # The vehicle's other kind of event has no entity yet, as in the first moments.
    waits = replace(alarm(START, code="waits"), kind=OccurrenceKind.TROUBLE_CODE)
    push(cloud, waits)
    assert await coordinator.async_keep_received()
    disk = await hass.async_add_executor_job(disk_of(coordinator).read_bytes)
    await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()
    fired.clear()

    # As it was when the process was killed.
    await hass.async_add_executor_job(disk_of(coordinator).write_bytes, disk)
    freezer.tick(timedelta(days=1))
    cloud.tell(
        told("1", dt_util.utcnow(), capabilities=frozenset({"events", "trouble_codes"}))
    )
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    told_late: list[Occurrence] = []
    entry.runtime_data.async_deliver_occurrences(
        "1", OccurrenceKind.TROUBLE_CODE, told_late.append
    )
    codes = [event["code"] for event in fired] + [one.code for one in told_late]
    assert codes == ["waits"]
    # Pushed once more, both are replays.
    push(cloud, alarm(START, code="fired before"), waits)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert [event["code"] for event in fired] + [one.code for one in told_late] == codes
    await hass.config_entries.async_unload(entry.entry_id)
    assert await journal_of(coordinator).async_load(ignore, ignore, ignore) == []


@pytest.mark.parametrize("is_tidied", [False, True])
@pytest.mark.parametrize("waits", [False, True])
async def test_repeated_push_that_a_crash_cut_off(
    hass: HomeAssistant,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    is_tidied: bool,
    waits: bool,
) -> None:
    """Received again but not told from a replay yet, it fires once after all, not twice.

    Whether it fired before the crash, or waited for its event entity then.
    """
    if is_tidied:
        monkeypatch.setattr(occurrence_journal, "MOST_DEAD_LINES", -1000)
    coordinator = await set_up(hass, cloud_entry())
    pushed = replace(alarm(START), pushed=True)
    told: list[Occurrence] = []
    log = OccurrenceLog(journal_of(coordinator), coordinator.memory, START)
    await log.async_load()
    if not waits:
        log.deliver_to("1", OccurrenceKind.ALARM, told.append)
    log.fire("1", pushed, START, log.receive("1", pushed))
    log.receive("1", pushed)
    await log.async_save()
    assert len(told) == (not waits)

    again = OccurrenceLog(journal_of(coordinator), coordinator.memory, START)
    receipts = await again.async_load()
    again.deliver_to("1", OccurrenceKind.ALARM, told.append)
    for receipt in receipts:
        again.fire("1", replace(receipt.occurrence, pushed=True), START, receipt)
    assert len(told) == 1
    await again.async_save()
    assert await journal_of(coordinator).async_load(ignore, ignore, ignore) == []


async def test_occurrence_not_on_disk_is_not_acknowledged(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It fires all the same; pushed again it is a replay, and on disk then."""
    coordinator = await set_up(hass, cloud_entry())
    append = LineFile._append

    def refuse(_file: LineFile, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LineFile, "_append", refuse)
    push(cloud, alarm(START, code="1"))
    assert not await coordinator.async_keep_received()
    assert [event["code"] for event in fired] == ["1"]
    assert caplog.text.count("No space left") == 1

    monkeypatch.setattr(LineFile, "_append", append)
    push(cloud, alarm(START, code="1"))
    assert await coordinator.async_keep_received()
    assert [event["code"] for event in fired] == ["1"]
    assert len(await fired_rows(coordinator)) == 1


async def test_nothing_is_acknowledged_while_unloading(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """What comes in then is not taken, so that the sender has to repeat it."""
    coordinator = await set_up(hass, cloud_entry())
    await coordinator.async_stop()
    push(cloud, alarm(START))
    assert not await coordinator.async_keep_received()
    await coordinator.async_close()
    assert await fired_rows(coordinator) == []


async def test_file_that_grew_is_tidied(
    hass: HomeAssistant,
    cloud: Cloud,
    monkeypatch: pytest.MonkeyPatch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What says nothing any more is dropped; what is known stays known."""
    monkeypatch.setattr(occurrence_journal, "MOST_DEAD_LINES", 20)
    coordinator = await set_up(hass, cloud_entry())
    freezer.tick(30 * MINUTE)
    alarms = [alarm(START + number * SECOND) for number in range(60)]
    for one in alarms:
        push(cloud, one)
        assert await coordinator.async_keep_received()
    text = await hass.async_add_executor_job(disk_of(coordinator).read_text)
    assert text.count("\n") < 3 * len(alarms) - 20
    again = OccurrenceLog(journal_of(coordinator), coordinator.memory, START)
    assert await again.async_load() == []
    assert again._past["1"].count == len(alarms)


async def test_first_of_a_new_vehicle(
    hass: HomeAssistant, cloud: Cloud, fired: list[dict[str, Any]]
) -> None:
    """It comes with the news that make the vehicle known."""
    await set_up(hass, cloud_entry())
    push(cloud, alarm(START), vehicle_id="2")
    await hass.async_block_till_done()
    assert times(fired) == [START]
    assert state_of(hass, "event", "alarm", "2").attributes["event_type"] == "sos"


async def test_event_entity_of_a_kind_that_was_only_seen(
    hass: HomeAssistant,
    cloud: Cloud,
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Seen is as good as expected: made once, and not removed with the capability."""
    cloud.tell(told("1", START))
    await set_up(hass, cloud_entry())
    push(cloud, alarm(START))
    await hass.async_block_till_done()
    assert state_of(hass, "event", "alarm").attributes["event_type"] == "sos"
    for reading in ("battery", "fuel"):
        cloud.push(told("1", dt_util.utcnow(), {reading: 5}))
        await hass.async_block_till_done()
    cloud.push(told("1", dt_util.utcnow(), capabilities=ALARMS))
    cloud.push(told("1", dt_util.utcnow(), capabilities=frozenset()))
    await hass.async_block_till_done()
    assert "unique IDs" not in caplog.text
    assert entity_id(hass, "event", "alarm") is not None


async def test_return_of_the_account_fires_nothing(
    hass: HomeAssistant,
    cloud: Cloud,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The entity shows its last event throughout: an alarm may be pushed meanwhile."""
    await set_up(hass, cloud_entry())
    push(cloud, alarm(START))
    state = state_of(hass, "event", "alarm").state
    cloud.poll_error = CannotConnect()
    await elapse(hass, freezer, 61)
    await elapse(hass, freezer, timedelta(minutes=10))
    assert state_of(hass, "sensor", "last_contact").state == STATE_UNAVAILABLE
    # What is to fire must not depend on it.
    assert state_of(hass, "event", "alarm").state == state
    cloud.poll_error = None
    await elapse(hass, freezer, 61)
    assert state_of(hass, "event", "alarm").state == state


async def test_disabled_entity_is_no_obstacle(
    hass: HomeAssistant,
    cloud: Cloud,
    fired: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What it misses is not fired when it is enabled again, and nothing grows."""
    entry: MockConfigEntry = cloud_entry()
    coordinator = await set_up(hass, entry)
    freezer.tick(30 * MINUTE)
    event = entity_id(hass, "event", "alarm")
    assert event is not None
    registry = er.async_get(hass)
    registry.async_update_entity(event, disabled_by=er.RegistryEntryDisabler.USER)
    await hass.async_block_till_done()
    for number in range(5):
        push(cloud, alarm(START + number * SECOND))
    assert await coordinator.async_keep_received()
    assert not any(coordinator._occurrences._undelivered.values())
    assert await journal_of(coordinator).async_load(ignore, ignore, ignore) == []
    registry.async_update_entity(event, disabled_by=None)
    await elapse(hass, freezer, timedelta(seconds=RELOAD_AFTER_UPDATE_DELAY + 1))
    await hass.async_block_till_done(wait_background_tasks=True)
    assert state_of(hass, "event", "alarm").state == STATE_UNKNOWN
    push(cloud, alarm(START + MINUTE, code="after"))
    await hass.async_block_till_done()
    assert [event["code"] for event in fired] == ["after"]
    assert "Traceback" not in caplog.text
