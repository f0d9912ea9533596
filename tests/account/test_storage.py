"""Stored data comes back after a restart as it was."""

from __future__ import annotations

import copy
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
import json
import math
from pathlib import Path
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_dumps
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError
from homeassistant.util.json import json_loads
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.fleet_tracker.account.codec import (
    CannotDecode,
    from_json,
    to_json,
)
from custom_components.fleet_tracker.account.occurrence_journal import OccurrenceJournal
from custom_components.fleet_tracker.account.storage import (
    SAVE_INTERVAL,
    VERSION,
    EntryMemory,
    VehicleStore,
    async_remove_stored,
)
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.merge import check, merge
from custom_components.fleet_tracker.model.rules import Rules
from custom_components.fleet_tracker.model.trips.log import TripLog
from custom_components.fleet_tracker.model.vehicle import (
    Beliefs,
    FixKind,
    Growth,
    OccurrenceKind,
    Position,
    Reading,
    ReadingGroup,
    Value,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
    WaitingFix,
)

texts = st.text(st.characters(codec="utf-8"), max_size=10)
keys = st.sampled_from([*Reading, "probe:1", "own"]) | texts
numbers = st.floats(allow_nan=False, allow_infinity=False)
times = st.datetimes(timezones=st.just(UTC))
values: st.SearchStrategy[Value] = st.one_of(
    st.booleans(),
    st.integers(min_value=-(2**53), max_value=2**53),
    numbers,
    texts,
    times,
    st.sampled_from(FixKind),
)
readings = st.dictionaries(keys, values, max_size=5).map(MappingProxyType)
positions = st.builds(
    Position,
    latitude=numbers,
    longitude=numbers,
    accuracy=numbers,
    fixed_at=times,
    kind=st.sampled_from(FixKind),
    altitude=st.none() | numbers,
    course=st.none() | numbers,
    speed=st.none() | numbers,
)
groups = st.builds(
    ReadingGroup,
    name=texts,
    measured_at=times,
    readings=readings,
    complete=st.booleans(),
)
details = st.builds(
    VehicleDetails,
    **{
        field.name: texts if field.name == "name" else st.none() | texts
        for field in fields(VehicleDetails)
    },
)
vehicles = st.builds(
    Vehicle,
    vehicle_id=texts,
    details=details,
    capabilities=st.frozensets(texts),
    readings=readings,
    groups=st.lists(groups, max_size=3, unique_by=lambda one: one.name).map(
        lambda found: MappingProxyType({one.name: one for one in found})
    ),
    position=st.none() | positions,
    latest_fix=st.none() | positions,
    heard_at=st.none() | times,
    contact_interval=st.none()
    | st.timedeltas(timedelta(0), timedelta(days=30)).map(
        lambda one: timedelta(seconds=round(one.total_seconds(), 3))
    ),
    beliefs=st.builds(
        Beliefs,
        growths=st.dictionaries(
            texts,
            st.builds(
                Growth,
                value=numbers,
                measured_at=times,
                waiting=st.none() | numbers,
                waiting_measured_at=st.none() | times,
                waiting_since=st.none() | times,
            ),
            max_size=3,
        ).map(MappingProxyType),
        waiting_fix=st.none() | st.builds(WaitingFix, fix=positions, since=times),
        is_motion_confirmed=st.booleans(),
    ),
    stood_since=st.none() | times,
    occurrence_kinds=st.frozensets(st.sampled_from(OccurrenceKind)),
    shown_readings=st.frozensets(texts),
    absences=st.integers(0, 2),
)


@given(vehicles)
def test_vehicle_survives_being_written(vehicle: Vehicle) -> None:
    """Every field of it, through the JSON that Home Assistant writes."""
    record = json_loads(json_dumps(to_json(vehicle)))
    assert isinstance(record, dict)
    assert from_json(Vehicle, record) == vehicle


async def test_memory(hass: HomeAssistant, hass_storage: dict[str, Any]) -> None:
    """It is on disk when `put` returns, and there after a restart."""
    memory = EntryMemory(hass, "id")
    await memory.async_load()
    assert memory.vendor.get("token") is None
    await memory.vendor.put("token", {"value": "t", "until": 5})
    key = f"{DOMAIN}.id.memory"
    assert hass_storage[key]["data"] == {
        "core": {},
        "vendor": {"token": {"value": "t", "until": 5}},
    }

    # What is known already is not written again.
    del hass_storage[key]
    await memory.vendor.put("token", {"until": 5, "value": "t"})
    assert key not in hass_storage
    await memory.vendor.put("cursor", [1, None, "x"])

    again = EntryMemory(hass, "id")
    await again.async_load()
    assert again.vendor.get("token") == {"value": "t", "until": 5}
    assert again.vendor.get("cursor") == [1, None, "x"]


@pytest.mark.parametrize(
    ("told", "kept"),
    [("half \ud83d", "half \ufffd"), (2**64, None), (math.nan, None), (True, True)],
)
async def test_memory_can_always_be_written(
    hass: HomeAssistant, hass_storage: dict[str, Any], told: Json, kept: Json
) -> None:
    """What a tracker or a server told must not keep a token from being written."""
    memory = EntryMemory(hass, "id")
    await memory.async_load()
    await memory.vendor.put("names", {"a": [told]})
    await memory.vendor.put("token", "t")
    stored = hass_storage[f"{DOMAIN}.id.memory"]
    json_dumps(stored)
    assert stored["data"]["vendor"] == {"names": {"a": [kept]}, "token": "t"}
    assert memory.vendor.get("names") == {"a": [kept]}


async def test_memory_knows_its_owners(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """What an account keeps and what its connection keeps may have one name.

    A memory of a time without owners is divided by the names that accounts used.
    """
    key = f"{DOMAIN}.id.memory"
    hass_storage[key] = {
        "version": 2,
        "key": key,
        "data": {"token": "t", "back_off": {"wait": 8}},
    }
    memory = EntryMemory(hass, "id")
    await memory.async_load()
    assert memory.vendor.get("token") == "t"
    assert memory.core.get("token") is None
    assert memory.core.get("back_off") == {"wait": 8}
    await memory.core.put("token", "ours")
    again = EntryMemory(hass, "id")
    await again.async_load()
    assert (again.vendor.get("token"), again.core.get("token")) == ("t", "ours")


async def test_vehicles_are_written_when_asked_and_needed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Many of them, too; and without news nothing is written."""
    known = {
        str(number): Vehicle(
            vehicle_id=str(number),
            details=VehicleDetails(name=f"Van {number}"),
            heard_at=datetime(2025, 10, 9, tzinfo=UTC),
        )
        for number in range(25)
    }
    store = VehicleStore(hass, "id", lambda: known)
    assert await store.async_load() == []
    await store.async_save_pending()
    assert hass_storage == {}
    store.async_schedule_save()
    store.async_schedule_save()
    await store.async_save_pending()
    assert await VehicleStore(hass, "id", dict).async_load() == list(known.values())
    assert "cannot be read" not in caplog.text
    await async_remove_stored(hass, "id")
    assert hass_storage == {}


async def test_vehicles_on_a_full_disk(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they say of trips is not given up until they are on disk, which is tried again."""
    known = {"1": Vehicle(vehicle_id="1", details=VehicleDetails(name="Van"))}
    journal = OccurrenceJournal(hass, "id")
    journal.add_trips("1", TripLog())
    store = VehicleStore(hass, "id", lambda: known, journal)
    store.async_schedule_save()

    async def full(*_: object) -> None:
        raise WriteError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "_async_write_data", full)
        freezer.tick(SAVE_INTERVAL)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    assert hass_storage == {}
    assert journal.trips("1") == TripLog()
    freezer.tick(SAVE_INTERVAL)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert len(hass_storage) == 1
    assert journal.trips("1") is None
    await store.async_save_pending()


async def test_vehicles_are_not_written_after_the_last_time(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """An entry that is removed while its vehicles are being written leaves no file."""
    known = {
        str(number): Vehicle(vehicle_id=str(number), details=VehicleDetails(name="Van"))
        for number in range(25)
    }
    store = VehicleStore(hass, "id", lambda: known)
    store.async_schedule_save()
    freezer.tick(SAVE_INTERVAL)
    async_fire_time_changed(hass)
    assert hass_storage == {}
    await store.async_save_pending()
    assert len(hass_storage) == 1
    await async_remove_stored(hass, "id")
    await hass.async_block_till_done()
    assert hass_storage == {}


async def test_unreadable_vehicles_are_forgotten(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are told anew soon; the others, and the account, must not be lost for them."""
    van = Vehicle(vehicle_id="1", details=VehicleDetails(name="Van"))
    good = to_json(van)
    records: list[Any] = [
        {key: value for key, value in good.items() if key != "details"},
        {**good, "heard_at": "yesterday"},
        {**good, "heard_at": "2025-10-09T09:00:00"},
        {**good, "occurrence_kinds": ["catastrophe"]},
        {**good, "contact_interval": 1e300},
        {**good, "absences": True},
        "a van",
        good,
    ]
    key = f"{DOMAIN}.id.vehicles"
    kept = [*map(json_dumps, records), "half a {", '{"vehicle_id": NaN}', None]
    hass_storage[key] = {"version": VERSION, "key": key, "data": {"vehicles": kept}}
    assert await VehicleStore(hass, "id", dict).async_load() == [van]
    assert "10 vehicles cannot be read" in caplog.text
    hass_storage[key]["data"] = {}
    assert await VehicleStore(hass, "id", dict).async_load() == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("trips", "head", "closed", 0, "end"), 1e300),
        (("trips", "head", "closed", 0, "end"), 10**18),
        (("trips", "moments"), ""),
        (("trips", "moments"), "AAAA"),
        (("trips", "head"), "no log"),
        (("trips",), None),
        (("latest_fix", "latitude"), "north"),
    ],
)
async def test_what_makes_no_sense_is_forgotten(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    path: tuple[str | int, ...],
    value: object,
) -> None:
    """Of the right types or not: what comes next would fail, now or at its time.

    Where only its trips make no sense, what else is known of the vehicle is kept.
    """
    now = driven()[1]
    good: dict[str, Any] = json.loads(json_dumps(to_json(driven()[0])))
    bad = copy.deepcopy(good)
    place: Any = bad
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    key = f"{DOMAIN}.id.vehicles"
    kept = {"vehicles": [json_dumps(bad), json_dumps(good)]}
    hass_storage[key] = {"version": VERSION, "key": key, "data": kept}
    store = VehicleStore(hass, "id", dict)
    vehicles = await store.async_load(lambda one: check(one, Rules(), now))
    whole = from_json(Vehicle, good)
    left = [] if path[0] != "trips" else [replace(whole, trips=TripLog())]
    assert vehicles == [*left, whole]
    assert len(store.set_aside) <= 1


def driven() -> tuple[Vehicle, datetime]:
    """Return a vehicle in its second drive, and the time."""
    vehicle, now, latitude = None, datetime(2026, 3, 4, 8, tzinfo=UTC), 52.0
    for minute in range(40):
        drives = not 15 <= minute < 30
        now += timedelta(minutes=1)
        latitude += 0.01 * drives
        fix = Position(
            latitude=latitude,
            longitude=5.0,
            accuracy=10.0,
            fixed_at=now,
            kind=FixKind.SATELLITE,
            speed=60.0 * drives,
        )
        ignition = ReadingGroup(
            name="io", measured_at=now, readings={"ignition": drives}
        )
        update = VehicleUpdate(
            vehicle_id="1", position=fix, groups=(ignition,), heard_at=now
        )
        vehicle = merge(vehicle, update, Rules(), now).vehicle
    assert vehicle is not None
    return vehicle, now


def test_fields_may_come_and_go() -> None:
    """A new field takes its default, and one that is gone is passed over."""
    van = Vehicle(vehicle_id="1", details=VehicleDetails(name="Van"))
    details: dict[str, Any] = {"name": "Van", "colour": "red"}
    assert from_json(Vehicle, {"vehicle_id": "1", "details": details, "new": 1}) == van


junk: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner)
    ),
    max_leaves=5,
)


@given(vehicles, st.data())
def test_wrong_record_is_never_more_than_an_error(
    vehicle: Vehicle, data: st.DataObject
) -> None:
    """Whatever stands in any field, at any level."""
    record: Any = to_json(vehicle)
    place = record
    while True:
        key = data.draw(st.sampled_from(sorted(place)))
        inner = place[key]
        if not isinstance(inner, dict) or not inner or data.draw(st.booleans()):
            place[key] = data.draw(junk)
            break
        place = inner
    try:
        read = from_json(Vehicle, record)
    except CannotDecode:
        return
    assert from_json(Vehicle, json_loads(json_dumps(to_json(read)))) == read


STORED = Path(__file__).parent / "stored"


@pytest.mark.parametrize("path", sorted(STORED.glob("vehicles-*.json")), ids=str)
async def test_vehicles_of_every_version_are_read(
    path: Path, hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """What any version wrote comes back with all that is still known of it."""
    stored = json.loads(await hass.async_add_executor_job(path.read_text))
    key = f"{DOMAIN}.id.vehicles"
    hass_storage[key] = {
        "version": stored["version"],
        "key": key,
        "data": {"vehicles": [json_dumps(one) for one in stored["vehicles"]]},
    }
    store = VehicleStore(hass, "id", dict)
    full, bare = await store.async_load()
    assert store.set_aside == []
    assert bare == Vehicle(vehicle_id="2", details=VehicleDetails(name="Bare"))
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert full.details.plate == "B AA 1"
    assert full.capabilities == {"engine_cut", "output:1"}
    assert full.readings["last_fix"] == at
    assert full.readings["odometer"] == 52498
    assert full.groups["track"].readings["ignition_changed_at"] == at
    assert not full.groups["power"].complete
    assert full.position is not None and full.position == full.latest_fix
    assert full.position.kind is FixKind.CELL
    assert full.heard_at == at + timedelta(minutes=1)
    assert full.contact_interval == timedelta(seconds=90.5)
    assert full.occurrence_kinds == {OccurrenceKind.ALARM, OccurrenceKind.TRIP}
    assert full.shown_readings == {"ignition", "odometer", "door"}
    assert full.absences == 1
    assert hass_storage[key]["version"] == VERSION


def test_newest_version_has_a_file() -> None:
    """Whoever changes the format keeps an example of it, for all that come later."""
    versions = {path.stem.removeprefix("vehicles-") for path in STORED.iterdir()}
    assert versions == {str(number) for number in range(1, VERSION + 1)}


async def test_stored_files_are_private(hass: HomeAssistant) -> None:
    """They hold tokens, and where vehicles are."""
    stores = (EntryMemory(hass, "id")._store, VehicleStore(hass, "id", dict)._store)
    assert all(store._private for store in stores)
