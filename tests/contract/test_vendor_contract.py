"""Rules for every vendor of the registry, seen from outside."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import importlib
import json
import logging
import math
from pathlib import Path
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.diagnostics import REDACTED
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import Context, HomeAssistant, SupportsResponse
from homeassistant.exceptions import Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.json import ExtendedJSONEncoder, json_dumps
from homeassistant.util.json import json_loads
from homeassistant.util.yaml import load_yaml_dict
import pytest
from pytest_homeassistant_custom_component.common import MockUser, async_capture_events

import custom_components.fleet_tracker
from custom_components.fleet_tracker import (
    binary_sensor,
    button,
    calendar,
    camera,
    device_tracker,
    event as event_platform,
    image,
    sensor,
    vendors,
)
from custom_components.fleet_tracker.account.codec import from_json, to_json
from custom_components.fleet_tracker.account.options import option_fields
from custom_components.fleet_tracker.actions.history import HISTORY_ACTIONS
from custom_components.fleet_tracker.actions.targets import TARGET_FIELDS
from custom_components.fleet_tracker.const import DOMAIN, EVENT_OCCURRENCE
from custom_components.fleet_tracker.contract.commands import Command
from custom_components.fleet_tracker.contract.errors import AccessDenied, VendorError
from custom_components.fleet_tracker.contract.history import HistoryKind, VendorHistory
from custom_components.fleet_tracker.diagnostics import (
    async_get_config_entry_diagnostics,
    async_get_device_diagnostics,
)
from custom_components.fleet_tracker.flow_parts import folded
from custom_components.fleet_tracker.model.vehicle import (
    Position,
    VehicleUpdate,
    reading_parts,
)
from custom_components.fleet_tracker.offer.action import (
    ActionEffect,
    ActionRequest,
    ActionTarget,
    VendorAction,
)
from custom_components.fleet_tracker.offer.descriptions import FleetDescription
from custom_components.fleet_tracker.offer.servers import OWN_SERVER, SERVER
from custom_components.fleet_tracker.offer.vendor import Vendor
from custom_components.fleet_tracker.vendors import VENDORS
from tests.common import device_of, tracker_of, vendor_records
from tests.neutral_vendor import summary_of
from tests.vendors.contract import FullAccount, VendorContract

ROOT = Path(custom_components.fleet_tracker.__file__).parent
STRINGS: dict[str, Any] = json.loads((ROOT / "translations/en.json").read_text())
ICONS: dict[str, Any] = json.loads((ROOT / "icons.json").read_text())
SERVICES: dict[str, Any] = load_yaml_dict(str(ROOT / "services.yaml"))

PAGES = ROOT.parents[1] / "docs" / "vendors"

MOST_ENABLED = 18
LOCK_COMMANDS = ("lock_command", "unlock_command")
# What every vehicle has, whatever it tells.
ALWAYS = {(Platform.DEVICE_TRACKER, "position"), (Platform.BUTTON, "refresh")}

pytestmark = pytest.mark.parametrize(
    "vendor", vendor_records().values(), ids=vendor_records()
)


def contract_of(vendor: Vendor) -> VendorContract:
    """Return what the vendor's tests give."""
    module = importlib.import_module(f"tests.vendors.{vendor.key}.contract")
    contract: VendorContract = module.CONTRACT
    return contract


@pytest.fixture
async def account(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    vendor: Vendor,
) -> AsyncIterator[FullAccount]:
    """Return the vendor's account with a vehicle that has everything."""
    async with contract_of(vendor).open(hass, freezer, monkeypatch) as account:
        yield account


type Check = Callable[[HomeAssistant, Vendor, FullAccount], Awaitable[None]]
READING: list[Check] = []
"""Rules that are looked up in an account without a change to it."""


def reads(check: Check) -> Check:
    """Let a rule be judged by the same account as all others of its kind."""
    READING.append(check)
    return check


async def test_rules_that_only_read(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Each is kept, and none has changed what the next one sees."""
    broken = []
    for check in READING:
        before = account.vehicle, hass.states.async_all()
        try:
            await check(hass, vendor, account)
        except AssertionError as err:
            err.add_note(f"The rule: {check.__name__}")
            broken.append(err)
        assert (account.vehicle, hass.states.async_all()) == before, check.__name__
    if broken:
        raise ExceptionGroup("broken rules", broken)


@dataclass(frozen=True)
class Shown:
    """An entity of the vehicle, and the description that it was made from."""

    platform: Platform
    key: str
    description: FleetDescription
    entry: er.RegistryEntry


def tables(vendor: Vendor) -> dict[Platform, dict[str, FleetDescription]]:
    """Return all descriptions of a vendor's entities, the common ones included."""
    own = vendor.entities
    found: dict[Platform, Iterable[FleetDescription]] = {
        Platform.BINARY_SENSOR: (*binary_sensor.COMMON, *own.binary_sensors),
        Platform.BUTTON: (button.REFRESH, button.SERVICE_DONE, *own.buttons),
        Platform.CALENDAR: (calendar.OF_VEHICLE,),
        Platform.CAMERA: camera.COMMON if own.cameras else (),
        Platform.DEVICE_TRACKER: (device_tracker.TRACKER,),
        Platform.EVENT: (*event_platform.COMMON, *own.events),
        Platform.IMAGE: image.COMMON if own.cameras else (),
        Platform.LOCK: own.locks,
        Platform.NUMBER: own.numbers,
        Platform.SELECT: own.selects,
        Platform.SENSOR: (*sensor.COMMON, *own.sensors),
        Platform.SWITCH: own.switches,
    }
    return {
        platform: {one.key: one for one in descriptions}
        for platform, descriptions in found.items()
    }


def own_descriptions(vendor: Vendor) -> Iterator[tuple[Platform, FleetDescription]]:
    """Yield the platform and description of all that a vendor may show."""
    for platform, by_key in tables(vendor).items():
        for description in by_key.values():
            yield platform, description


def shown(hass: HomeAssistant, account: FullAccount) -> list[Shown]:
    """Return the vehicle's entities, disabled ones too."""
    prefix = f"{account.coordinator.identity}_{account.vehicle_id}_"
    by_platform = tables(account.coordinator.vendor)
    found = []
    for entry in er.async_entries_for_config_entry(
        er.async_get(hass), account.entry.entry_id
    ):
        if not entry.unique_id.startswith(prefix):
            continue
        key = entry.unique_id.removeprefix(prefix)
        platform = Platform(entry.domain)
        # A part is written behind its reading: the longest key that fits is the one.
        fitting = [
            one
            for one in by_platform[platform].values()
            if key == one.key or key.startswith(f"{one.key}_")
        ]
        description = max(fitting, key=lambda one: len(one.key))
        found.append(Shown(platform, key, description, entry))
    return found


def name_pattern(platform: Platform, description: FleetDescription) -> re.Pattern[str]:
    """Return what the names of a description's entities look like, whatever the part."""
    key = description.translation_key or description.key
    name = re.escape(STRINGS["entity"][platform][key]["name"])
    return re.compile(name.replace(r"\{part\}", ".+"))


@dataclass(frozen=True)
class Told:
    """An entity as a vendor's page tells of it. The name of a tracker is empty.

    ``{n}`` in a name, or any other such word, stands for whatever part there is.
    """

    platform: Platform
    name: str
    enabled: str

    def is_about(self, platform: Platform, name: str) -> bool:
        """Tell whether this is about an entity."""
        pattern = re.sub(r"\\{\w+\\}", r"[\\w.]+", re.escape(self.name))
        return platform is self.platform and bool(re.fullmatch(pattern, name))

    def is_enabled(self, name: str) -> bool:
        """Tell whether it is enabled by default: always, never, the first, or some."""
        if self.enabled in ("yes", "no"):
            return self.enabled == "yes"
        if self.enabled == "the first":
            return name.endswith("1")
        if self.enabled == "the first, unless one cuts the engine":
            # One of each account that is tried does.
            return False
        if self.enabled == "the lowest marked":
            return True
        return f"*{self.name}*" in self.enabled


def told_entities(vendor: Vendor) -> Iterator[Told]:
    """Yield the entities that the page about a vendor has in its tables."""
    columns: list[str] = []
    for line in (PAGES / f"{vendor.key}.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells
        elif "enabled by default" in columns:
            row = dict(zip(columns, cells, strict=True))
            if row["enabled by default"] in ("-", "---"):
                continue
            platform, _, names = row["entity"].removeprefix("`").partition("`")
            for more in re.split(r"`(\w+)`", names + "`"):
                if more in set(Platform):
                    platform = more
                    continue
                for name in re.findall(r"\*([^*]+)\*", more):
                    yield Told(Platform(platform), name, row["enabled by default"])
            if platform == Platform.DEVICE_TRACKER:
                yield Told(Platform.DEVICE_TRACKER, "", row["enabled by default"])


# --- the registry ---------------------------------------------------------------------------


@pytest.mark.first_stage
def test_identity(vendor: Vendor) -> None:
    """The key is a plain name, and texts say the vendor's name in the menu."""
    assert re.fullmatch(r"[a-z][a-z0-9_]*", vendor.key)
    assert vendor.name
    assert STRINGS["config"]["step"]["user"]["menu_options"][vendor.key]


@pytest.mark.first_stage
def test_platforms_are_all_known_here(vendor: Vendor) -> None:
    """A new platform must not be forgotten in these tests."""
    assert tables(vendor).keys() == {
        platform for platform in Platform if (ROOT / f"{platform}.py").is_file()
    }


@pytest.mark.first_stage
def test_platforms_are_those_that_have_something_to_show(vendor: Vendor) -> None:
    """No other one is set up, each one once."""
    filled = [platform for platform, table in tables(vendor).items() if table]
    assert sorted(vendor.entities.platforms) == sorted(filled)


@pytest.mark.first_stage
async def test_cameras_are_told_of(vendor: Vendor, account: FullAccount) -> None:
    """Who has media has cameras, and the platforms that show them."""
    assert vendor.entities.cameras is (account.coordinator.connection.media is not None)


@pytest.mark.first_stage
def test_registry_tells_the_same_as_the_record(vendor: Vendor) -> None:
    """Whether a vendor is loaded or not makes no difference to what is asked of all."""
    assert VENDORS[vendor.key] == summary_of(vendor)


@pytest.mark.first_stage
def test_actions_that_vendors_share(vendor: Vendor) -> None:
    """Whoever offers an action of the same name agrees about what it is called on."""
    for action in vendor.actions:
        for other in vendor_records().values():
            for same in other.actions:
                if same.name == action.name:
                    assert same.target is action.target
                    assert same.response is action.response
                    assert same.administrators_only is action.administrators_only
        assert STRINGS["services"][action.name]["name"]


@pytest.mark.first_stage
async def test_options_are_all_offered_again(
    vendor: Vendor, account: FullAccount
) -> None:
    """What the form of the options does not ask is lost when it is sent."""
    fields = option_fields(account.entry, vendor)
    offered = {str(one) for asked in fields.values() for one in asked}
    asked = {
        str(one)
        for form in vendor.flow.further_forms
        for one in vendor.flow.form(form, {}).schema
    }
    assert asked | set(account.entry.options) <= offered


# --- what an account shows ------------------------------------------------------------------


@reads
async def times_are_aware_and_values_are_valid(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect times in UTC, values that are finite and not empty, and a place on earth."""
    vehicle = account.vehicle
    groups = vehicle.groups.values()
    times = [vehicle.heard_at, *(group.measured_at for group in groups)]
    values = [*vehicle.readings.values()]
    positions = [one for one in (vehicle.position, vehicle.latest_fix) if one]
    assert positions
    times += [position.fixed_at for position in positions]
    times += [value for value in values if isinstance(value, datetime)]
    for time in times:
        assert time is not None
        assert time.utcoffset() == timedelta(0)
        assert time.year > 2000
    for value in values:
        assert isinstance(value, bool | int | float | str | datetime)
        assert value != ""
        assert not isinstance(value, float) or math.isfinite(value)
    for position in positions:
        assert position.accuracy > 0
        assert (position.latitude, position.longitude) != (0, 0)
    assert vehicle.details.name != account.vehicle_id
    assert {"ignition", "moving", "online", "last_fix", "last_contact"} <= {
        *vehicle.readings
    }


@reads
async def vehicle_can_be_kept(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect whatever the vendor tells to come back after a restart."""
    record = json_loads(json_dumps(to_json(account.vehicle)))
    assert isinstance(record, dict)
    assert from_json(type(account.vehicle), record) == account.vehicle


async def test_capabilities_decide_which_entities_exist(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Each yields an entity, no other does, and all go when they go."""
    vehicle = account.vehicle
    names = {reading_parts(capability)[0] for capability in vehicle.capabilities}
    used = {one.capability for _, one in own_descriptions(vendor) if one.capability}
    assert names - contract_of(vendor).without_entities <= used
    there = {(one.platform, one.description.key) for one in shown(hass, account)}
    for platform, description in own_descriptions(vendor):
        if description.capability is None:
            continue
        seen = description.key in vehicle.occurrence_kinds
        needs_reading = platform in (Platform.SENSOR, Platform.BINARY_SENSOR)
        if needs_reading or seen:
            continue
        exists = (platform, description.key) in there
        assert exists is (description.capability in names), description.key

    account.coordinator.receive(
        [VehicleUpdate(vehicle_id=account.vehicle_id, capabilities=frozenset())]
    )
    await hass.async_block_till_done()
    left = [
        one
        for one in shown(hass, account)
        if one.description.capability is not None
        and one.description.key not in vehicle.occurrence_kinds
    ]
    assert left == []


@reads
async def readings_decide_which_sensors_exist(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect no sensor without its reading: what a device has not is not shown."""
    readings = {reading.replace(":", "_") for reading in account.vehicle.readings}
    sensors = {
        (one.platform, one.key)
        for one in shown(hass, account)
        if one.platform in (Platform.SENSOR, Platform.BINARY_SENSOR)
    }
    assert {key for _, key in sensors} <= readings
    assert {(one.platform, one.key) for one in shown(hass, account)} >= ALWAYS


@reads
async def not_too_many_are_enabled(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect 500 vehicles to fit: Home Assistant stops at 10,000 enabled entities."""
    enabled = [one for one in shown(hass, account) if one.entry.disabled_by is None]
    assert 8 <= len(enabled) <= MOST_ENABLED, sorted(one.key for one in enabled)


@reads
async def entities_have_names_and_icons(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect names from the texts, or from a device class that brings one."""
    for one in shown(hass, account):
        if one.platform is Platform.DEVICE_TRACKER:
            assert one.entry.original_name is None
            continue
        assert one.entry.original_name, one.entry.entity_id
        assert "{" not in one.entry.original_name
        key = one.description.translation_key or one.description.key
        texts = STRINGS["entity"][one.platform].get(key, {})
        icons = ICONS["entity"].get(one.platform, {}).get(key, {})
        assert "name" in texts or one.description.device_class
        assert "default" in icons or one.description.device_class
        for option in getattr(one.description, "options", None) or ():
            assert texts["state"][option]
        for kind in getattr(one.description, "types", ()):
            assert texts["state_attributes"]["event_type"]["state"][kind]


@reads
async def page_tells_of_every_entity(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect what a vehicle has on the vendor's page, enabled by default as it says."""
    told = list(told_entities(vendor))
    for one in shown(hass, account):
        name = one.entry.original_name or ""
        rows = [row for row in told if row.is_about(one.platform, name)]
        assert rows, f"{one.platform} {name}"
        enabled = one.entry.disabled_by is None
        assert {row.is_enabled(name) for row in rows} == {enabled}, name


def in_words(description: FleetDescription) -> Iterator[FleetDescription]:
    """Yield a description for each part that has a name in words."""
    for part in description.worded_parts:
        key = description.translation_key or description.key
        yield replace(description, translation_key=f"{key}_{part}")


def test_page_tells_of_entities_that_exist(vendor: Vendor) -> None:
    """What the vendor may show stands on its page, and nothing else does."""
    told = {(row.platform, row.name) for row in told_entities(vendor)}
    own = [
        description
        for table in vars(vendor.entities).values()
        if isinstance(table, tuple)
        for description in table
    ]
    possible = [
        (platform, name_pattern(platform, one), description in own)
        for platform, description in own_descriptions(vendor)
        if platform is not Platform.DEVICE_TRACKER
        for one in (description, *in_words(description))
    ]
    for platform, pattern, is_own in possible:
        names = {name for owner, name in told if owner is platform}
        if is_own:
            assert any(pattern.fullmatch(name) for name in names), pattern.pattern
    for row in told_entities(vendor):
        if row.platform is not Platform.DEVICE_TRACKER:
            patterns = [one for owner, one, _ in possible if owner is row.platform]
            assert any(pattern.fullmatch(row.name) for pattern in patterns), row.name


@reads
async def only_the_tracker_knows_where(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect coordinates in the tracker alone: maps show every entity that has some."""
    knowing = {
        state.domain
        for state in hass.states.async_all()
        if "latitude" in state.attributes and state.domain != "zone"
    }
    assert knowing == {Platform.DEVICE_TRACKER}
    (tracker,) = (
        one for one in shown(hass, account) if one.platform is Platform.DEVICE_TRACKER
    )
    assert tracker.entry.entity_category is None


@reads
async def stopping_entities_are_out_of_reach_of_areas(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect that no voice that turns off a room cuts an engine; restoring stops nobody."""
    can_stop = account.coordinator.connection.can_stop
    found = []
    for shown_one in shown(hass, account):
        one = shown_one.description
        names = [
            getattr(one, name, None)
            for name in ("command", "on_command", "off_command", *LOCK_COMMANDS)
        ]
        is_button = shown_one.platform is Platform.BUTTON
        if is_button and one.key != button.REFRESH.key and not any(names):
            names.append(one.key)
        part = shown_one.key.removeprefix(one.key).removeprefix("_")
        arguments = {"part": part} if part else {}
        sent = [Command(name, arguments) for name in names if isinstance(name, str)]
        stopping = [one for one in sent if can_stop(account.vehicle_id, one)]
        if stopping:
            found.append(shown_one.key)
            assert shown_one.entry.entity_category is EntityCategory.CONFIG
            assert len(stopping) < len(sent) or len(sent) == 1
    # The vehicle has everything: something that stops it, too.
    assert found


# --- privacy --------------------------------------------------------------------------------


@reads
async def diagnostics_tell_nothing_private(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect no number, name, plate, password or place of the fixtures anywhere."""
    device = device_of(hass, account.coordinator, account.vehicle_id)
    assert device is not None
    found = await async_get_config_entry_diagnostics(hass, account.entry)
    of_vehicle = await async_get_device_diagnostics(hass, account.entry, device)
    assert of_vehicle["vehicle"] in found["vehicles"]
    text = json.dumps([found, of_vehicle], cls=ExtendedJSONEncoder)
    assert REDACTED in text
    assert [private for private in private_texts(account) if private in text] == []
    settings: Mapping[str, Any] = found["settings"]
    assert {key for key, value in settings.items() if value != REDACTED} <= {"vendor"}


def private_texts(account: FullAccount) -> frozenset[str]:
    """Return the private facts of the account, the place of its vehicle too."""
    position: Position | None = account.vehicle.latest_fix
    assert position is not None
    degrees = (position.latitude, position.longitude)
    return account.private.union(
        f"{one:.{digits}f}" for one in degrees for digits in (2, 3)
    )


async def test_events_tell_nothing_private(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    vendor: Vendor,
) -> None:
    """Only the tracker says where, and the entity whose: event data go to anybody."""
    events = async_capture_events(hass, EVENT_OCCURRENCE)
    async with contract_of(vendor).open(hass, freezer, monkeypatch) as account:
        await hass.async_block_till_done()
        private = private_texts(account)
        name = account.vehicle.details.name
    for event in events:
        # The sentence for notifications names the vehicle, and nothing else of it.
        message = str(event.data.get("message")).replace(name, "")
        data = {**event.data, "entity_id": None, "message": message}
        text = json.dumps(data, cls=ExtendedJSONEncoder)
        assert [one for one in private if one in text] == []


async def test_log_tells_nothing_private(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    vendor: Vendor,
) -> None:
    """Not even when it is turned up. What Home Assistant itself logs is its own."""
    caplog.set_level(logging.DEBUG, f"custom_components.{DOMAIN}")
    async with contract_of(vendor).open(hass, freezer, monkeypatch) as account:
        coordinator = account.coordinator
        await coordinator.async_refresh()
        await hass.async_block_till_done()
        private = private_texts(account)
    ours = [
        caplog.handler.format(record)
        for record in caplog.records
        if record.name.startswith(f"custom_components.{DOMAIN}")
    ]
    assert ours
    assert [one for one in private for message in ours if one in message] == []


# --- errors ---------------------------------------------------------------------------------


def test_errors_have_texts(vendor: Vendor) -> None:
    """Each code of the documents has its meaning, and the text can be filled in."""
    errors = list(contract_of(vendor).errors)
    assert len(errors) > 5
    for error in errors:
        assert isinstance(error, VendorError)
        text = STRINGS["exceptions"][error.translation_key]["message"]
        assert text.format(**error.placeholders)
        assert set(re.findall(r"{(\w+)}", text)) <= error.placeholders.keys()
        if isinstance(error, AccessDenied):
            assert STRINGS["issues"][error.translation_key]["title"]
        # For logs and notes: no vehicle, no account. Numbers of this length name one.
        for told in (str(error), *error.placeholders.values()):
            assert not re.search(r"\d{8}", told)


# --- actions --------------------------------------------------------------------------------


def test_errors_stand_at_fields_of_the_forms(vendor: Vendor) -> None:
    """An error at the top of a form is out of sight on a phone, so it has a field.

    Most concern the server, which is asked last: beside the button that was tapped.
    """
    vehicles = vendor.flow.vehicles
    errors = STRINGS["config"]["error"]
    for fields, form in (
        (vendor.flow.error_fields, vendor.flow.form("", {})),
        (vehicles.error_fields if vehicles else {}, vehicles and vehicles.form({})),
    ):
        names = [str(name) for name in form.schema] if form else []
        assert set(fields.values()) <= set(names)
        assert set(fields) <= set(errors)
        if form and SERVER in names:
            for error, is_folded in (("password", True), (OWN_SERVER, False)):
                shown = folded(form, {error: "blank"}).schema[OWN_SERVER]
                assert shown.options["collapsed"] is is_folded
            after = names[names.index(SERVER) + 1 :]
            assert after[0] == OWN_SERVER
            assert len(after) <= 2


def test_actions_are_offered_for_every_vehicle(vendor: Vendor) -> None:
    """By their trackers. The front end knows no more, so a vendor's own is named after it."""
    for action in vendor.actions:
        described = SERVICES[action.name]
        name = STRINGS["services"][action.name]["name"]
        offering = [
            one.name
            for one in vendor_records().values()
            if action.name in {other.name for other in one.actions}
        ]
        assert name.endswith(f"({vendor.name})") is (offering == [vendor.name])
        assert not set(described.get("fields", {})) & set(TARGET_FIELDS)
        if action.target is ActionTarget.ACCOUNT:
            assert "target" not in described
            continue
        assert described["target"] == {
            "entity": [{"integration": DOMAIN, "domain": "device_tracker"}]
        }


def test_vendors_offer_the_same_actions_to_the_same_users(vendor: Vendor) -> None:
    """What they offer together has the same target, permission and kind of answer."""
    others = {
        action.name: action
        for other in vendor_records().values()
        if other is not vendor
        for action in other.actions
    }
    for action in vendor.actions:
        if (other := others.get(action.name)) is not None:
            for name in ("target", "effect", "administrators_only"):
                assert getattr(action, name) is getattr(other, name), action.name


def target_of(
    hass: HomeAssistant, action: VendorAction, account: FullAccount
) -> dict[str, str]:
    """Return the target that an action is called on."""
    if action.target is ActionTarget.ACCOUNT:
        return {"config_entry": account.entry.entry_id}
    return {"entity_id": tracker_of(hass, account.coordinator, account.vehicle_id)}


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch, vendor: Vendor) -> list[str]:
    """Return the list that gets the names of actions instead of their being done."""
    names: list[str] = []

    def noted(action: VendorAction) -> VendorAction:
        async def handle(_request: ActionRequest) -> dict[str, Any]:
            names.append(action.name)
            return {}

        async def check(_request: ActionRequest) -> dict[str, VendorError]:
            return {}

        return replace(action, handler=handle, check=check)

    package = importlib.import_module(f"{vendors.__name__}.{vendor.key}")
    noting = replace(vendor, actions=tuple(map(noted, vendor.actions)))
    monkeypatch.setattr(package, "VENDOR", noting)
    return names


@pytest.mark.parametrize(
    ("policy", "permissions"),
    [
        ({}, set()),
        ({"entities": {"all": {"read": True}}}, {"read"}),
        ({"entities": {"domains": {"lock": True, "button": True}}}, set()),
        ({"entities": True}, {"read", "control"}),
    ],
)
async def test_permission_for_every_action(
    hass: HomeAssistant,
    vendor: Vendor,
    handled: list[str],
    account: FullAccount,
    policy: dict[str, Any],
    permissions: set[str],
) -> None:
    """What tells wants reading of the tracker, what changes something control of it."""
    user = MockUser(groups=[]).add_to_hass(hass)
    user.mock_policy(policy)
    fields = contract_of(vendor).action_fields
    for action in vendor.actions:
        wanted = "read" if action.effect is ActionEffect.TELLS else "control"
        call = hass.services.async_call(
            DOMAIN,
            action.name,
            {**target_of(hass, action, account), **fields.get(action.name, {})},
            blocking=True,
            context=Context(user_id=user.id),
            return_response=action.response is SupportsResponse.ONLY,
        )
        if wanted in permissions and not action.administrators_only:
            await call
            assert handled.pop() == action.name
            continue
        with pytest.raises(Unauthorized) as caught:
            await call
        if not action.administrators_only:
            assert caught.value.permission == wanted
            assert caught.value.entity_id == tracker_of(
                hass, account.coordinator, account.vehicle_id
            )
        assert handled == []


@reads
async def pressing_and_locking_wants_control(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect Home Assistant itself to guard buttons, locks, switches, numbers, selects."""
    user = MockUser(groups=[]).add_to_hass(hass)
    user.mock_policy({"entities": {"all": {"read": True}}})
    actions: dict[str, tuple[str, dict[str, Any]]] = {
        "button": ("press", {}),
        "lock": ("unlock", {}),
        "switch": ("turn_on", {}),
        "number": ("set_value", {"value": 1}),
        "select": ("select_option", {"option": "any"}),
    }
    tried = set()
    for entry in er.async_entries_for_config_entry(
        er.async_get(hass), account.entry.entry_id
    ):
        if entry.domain not in actions or entry.disabled_by is not None:
            continue
        service, fields = actions[entry.domain]
        tried.add(entry.domain)
        with pytest.raises(Unauthorized):
            await hass.services.async_call(
                entry.domain,
                service,
                {"entity_id": entry.entity_id, **fields},
                blocking=True,
                context=Context(user_id=user.id),
            )
    assert tried


@reads
async def page_tells_of_every_action(
    hass: HomeAssistant, vendor: Vendor, account: FullAccount
) -> None:
    """Expect the vendor's, those of the past, and who may call them."""
    history = account.coordinator.connection.history
    kinds = frozenset[HistoryKind]() if history is None else history.offers
    # The kinds are called as the methods are, and each is one that it overrides.
    assert kinds == {
        kind
        for kind in HistoryKind
        if history is not None
        and getattr(type(history), kind) is not getattr(VendorHistory, kind)
    }
    actions = (*vendor.actions, *(HISTORY_ACTIONS[kind] for kind in kinds))
    text = (PAGES / f"{vendor.key}.md").read_text(encoding="utf-8")
    section = text.partition("\n## Actions\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    named = {
        name: "administrators" in row
        for row in rows
        for name in re.findall(rf"`{DOMAIN}\.(\w+)`", row.split("|")[1])
    }
    named.pop("call_api", None)
    assert named == {action.name: action.administrators_only for action in actions}


def test_actions_accept_defaults_of_the_front_end(vendor: Vendor) -> None:
    """A field with a default is sent by the front end to every vendor."""
    for action in vendor.actions:
        fields: dict[str, Any] = SERVICES[action.name].get("fields", {})
        entered = {name for name, field in fields.items() if "default" in field}
        assert entered <= {str(field) for field in action.fields}, action.name
