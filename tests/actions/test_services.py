"""Actions: the vehicles they reach, their refusals, and permissions."""

from __future__ import annotations

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.auth.models import User
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized, UnknownUser
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
import voluptuous as vol

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import (
    CannotConnect,
    CommandUnsupported,
    VehicleOffline,
    VehicleUnavailable,
)
from tests.common import START, cloud_entry, device_of, entity_id, set_up, tracker_of
from tests.languages import MARK
from tests.neutral_vendor import Cloud, Clouds, told

from .calls import call, refused, trackers

# --- the vehicles that an action reaches ----------------------------------------------------


async def test_vehicles_of_several_accounts(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """Each is asked by its own account, and answers by its tracker."""
    clouds["beta"].tell(told("1", START))
    beta = cloud_entry("beta")
    await set_up(hass, beta)
    one, two = trackers(hass, acme, "1", "2")
    (other,) = trackers(hass, beta, "1")
    (nine,) = trackers(hass, port, "9")
    answer = await call(
        hass, "neutral_echo", entity_id=[one, other, nine, two], text="hi"
    )
    assert list(answer.items()) == [
        (one, {"text": "hi", "polls": 1}),
        (other, {"text": "hi", "polls": 1}),
        (nine, {"text": "hi", "polls": 1}),
        (two, {"text": "hi", "polls": 1}),
    ]
    assert [vehicle for vehicle, _ in clouds["acme"].commands] == ["1", "2"]
    assert [vehicle for vehicle, _ in clouds["beta"].commands] == ["1"]


def place(
    hass: HomeAssistant, entry: MockConfigEntry, vehicle_id: str, way: str
) -> dict[str, Any]:
    """Put a vehicle where a target reaches it, and return that target."""
    devices, entities = dr.async_get(hass), er.async_get(hass)
    tracker = tracker_of(hass, entry.runtime_data, vehicle_id)
    device = device_of(hass, entry.runtime_data, vehicle_id)
    assert device is not None
    floor = fr.async_get(hass).async_create(f"Floor {vehicle_id}")
    label = lr.async_get(hass).async_create(f"Label {vehicle_id}")
    area = ar.async_get(hass).async_create(
        f"Area {vehicle_id}",
        floor_id=floor.floor_id,
        labels={label.label_id} if way == "label of an area" else set(),
    )
    match way:
        case "entity":
            return {"entity_id": [tracker]}
        case "device":
            return {"device_id": [device.id]}
        case "group":
            hass.states.async_set(
                "group.vans", "home", {"entity_id": [tracker], "order": 0}
            )
            return {"entity_id": ["group.vans"]}
        case "area of an entity":
            # From 2026 on only an entity with a name of its own may have an area of its own.
            entities.async_update_entity(tracker, name="Elsewhere")
            entities.async_update_entity(tracker, area_id=area.id)
        case "label of an entity":
            entities.async_update_entity(tracker, labels={label.label_id})
        case "label of a device":
            devices.async_update_device(device.id, labels={label.label_id})
        case _:
            devices.async_update_device(device.id, area_id=area.id)
    if "floor" in way:
        return {"floor_id": [floor.floor_id]}
    if "label" in way:
        return {"label_id": [label.label_id]}
    return {"area_id": [area.id]}


INDIRECT = (
    "area",
    "area of an entity",
    "floor",
    "label of a device",
    "label of an entity",
    "label of an area",
)
NAMED = ("entity", "device", "group")


@pytest.mark.parametrize("way", NAMED + INDIRECT)
async def test_ways_to_reach_a_vehicle(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, way: str
) -> None:
    """By itself, its device, and where it belongs to; its other entities are not meant."""
    target = place(hass, acme, "2", way)
    answer = await call(hass, "neutral_echo", text="hi", **target)
    assert list(answer) == trackers(hass, acme, "2")
    assert [vehicle for vehicle, _ in cloud.commands] == ["2"]


@pytest.mark.parametrize("way", NAMED + INDIRECT)
@pytest.mark.parametrize("state", ["hidden", "disabled"])
async def test_trackers_that_are_not_shown(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, way: str, state: str
) -> None:
    """An action is called on an entity that is named; areas, labels and floors skip it."""
    target = place(hass, acme, "2", way)
    (tracker,) = trackers(hass, acme, "2")
    if state == "hidden":
        er.async_get(hass).async_update_entity(
            tracker, hidden_by=er.RegistryEntryHider.USER
        )
    else:
        er.async_get(hass).async_update_entity(
            tracker, disabled_by=er.RegistryEntryDisabler.USER
        )
        await hass.async_block_till_done()
    if way in NAMED:
        assert list(await call(hass, "neutral_echo", text="hi", **target)) == [tracker]
        return
    error = await refused(hass, "neutral_echo", text="hi", **target)
    assert error.translation_key == "no_vehicle_left"
    assert cloud.commands == []


async def test_a_vehicle_that_is_meant_twice(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """It is asked once."""
    ways = place(hass, acme, "1", "area") | place(hass, acme, "2", "device")
    one, two = trackers(hass, acme, "1", "2")
    answer = await call(
        hass, "neutral_echo", text="hi", entity_id=[two, one, two], **ways
    )
    assert list(answer) == [two, one]
    assert [vehicle for vehicle, _ in cloud.commands] == ["2", "1"]


async def test_all_and_none(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """All are those of all accounts, of which those that cannot are left out."""
    answer = await call(hass, "neutral_echo", entity_id="all", text="hi")
    every = trackers(hass, acme, "1", "2") + trackers(hass, port, "9")
    assert set(answer) == set(every)
    answer = await call(hass, "neutral_only_cloud", entity_id="all", text="hi")
    assert set(answer) == set(trackers(hass, acme, "1", "2"))
    error = await refused(hass, "neutral_echo", entity_id="none", text="hi")
    assert error.translation_key == "no_vehicle_left"


async def test_a_tracker_that_is_unavailable(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """It is not skipped: the account itself says whether the vehicle can be reached."""
    (one,) = trackers(hass, acme, "1")
    target = place(hass, acme, "1", "area")
    hass.states.async_set(one, "unavailable")
    assert list(await call(hass, "neutral_echo", text="hi", **target)) == [one]
    cloud.failing["1"] = CannotConnect()
    error = await refused(hass, "neutral_echo", text="hi", **target)
    assert error.translation_key == "cannot_connect"


async def test_answer_only_when_asked(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """An action with an optional answer does its work without, too."""
    answer = await call(
        hass,
        "neutral_echo",
        wants_response=False,
        entity_id=trackers(hass, acme, "1"),
        text="hi",
    )
    assert answer is None
    assert len(cloud.commands) == 1


@pytest.mark.parametrize("action", ["neutral_echo", "neutral_tell"])
async def test_targets_that_are_no_vehicle(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, action: str
) -> None:
    """What does not exist, is another's, or another entity of ours: nothing is done."""
    (one,) = trackers(hass, acme, "1")
    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    foreign = dr.async_get(hass).async_get_or_create(
        config_entry_id=other.entry_id, identifiers={("other", "1")}
    )
    foreign_tracker = er.async_get(hass).async_get_or_create(
        "device_tracker", "other", "1", config_entry=other, device_id=foreign.id
    )
    own_sensor = entity_id(hass, "sensor", "last_contact")
    assert own_sensor is not None
    for field, name, key in (
        ("entity_id", "device_tracker.nowhere", "unknown_vehicle"),
        ("entity_id", "group.nowhere", "unknown_vehicle"),
        ("entity_id", foreign_tracker.entity_id, "unknown_vehicle"),
        ("entity_id", own_sensor, "unknown_vehicle"),
        ("device_id", "no such device", "unknown_vehicle"),
        ("device_id", foreign.id, "unknown_vehicle"),
        ("area_id", "nowhere", "unknown_target"),
        ("floor_id", "nowhere", "unknown_target"),
        ("label_id", "nowhere", "unknown_target"),
    ):
        target: dict[str, Any] = {"entity_id": [one]}
        target[field] = [*target.get(field, []), name]
        error = await refused(hass, action, text="hi", **target)
        assert isinstance(error, ServiceValidationError)
        assert error.translation_key == key, name
        assert error.translation_placeholders == {"target": name}
    assert cloud.commands == []


@pytest.mark.parametrize("way", ["entity", "device", "area"])
async def test_a_vehicle_that_is_gone(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    cloud: Cloud,
    acme: MockConfigEntry,
    way: str,
) -> None:
    """It is told so, however it was reached; the others can still tell."""
    target = place(hass, acme, "1", way)
    one, two = trackers(hass, acme, "1", "2")
    del cloud.fleet["1"]
    cloud.roster = frozenset({"2"})
    for _ in range(2):
        await acme.runtime_data.async_refresh()
    assert acme.runtime_data.is_gone("1")
    error = await refused(hass, "neutral_echo", text="hi", **target)
    assert error.translation_key == "vehicle_gone"
    target["entity_id"] = [*target.get("entity_id", []), two]
    error = await refused(hass, "neutral_echo", text="hi", **target)
    assert error.translation_key == "vehicle_gone"
    assert cloud.commands == []
    answer = await call(hass, "neutral_tell", text="hi", **target)
    assert answer == {
        one: {"error": f"{one} is no longer in its account."},
        two: {"text": "hi", "polls": 3},
    }


@pytest.mark.parametrize("way", ["entity", "device", "area"])
async def test_an_account_that_does_not_run(
    hass: HomeAssistant, acme: MockConfigEntry, way: str
) -> None:
    """Its vehicles are not passed over in silence."""
    target = place(hass, acme, "1", way)
    await hass.config_entries.async_unload(acme.entry_id)
    for action in ("neutral_echo", "neutral_tell"):
        error = await refused(hass, action, text="hi", **target)
        assert error.translation_key == "entry_not_loaded"
        assert error.translation_placeholders == {"account": "acme"}
    # As an automation may call it that runs at the start.
    acme.mock_state(hass, ConfigEntryState.SETUP_IN_PROGRESS)
    error = await refused(hass, "neutral_echo", text="hi", **target)
    assert error.translation_key == "entry_setting_up"
    acme.mock_state(hass, ConfigEntryState.NOT_LOADED)


async def test_no_target_at_all(hass: HomeAssistant, acme: MockConfigEntry) -> None:
    """Home Assistant says that something is missing; an empty one reaches nobody."""
    with pytest.raises(vol.Invalid):
        await call(hass, "neutral_echo", text="hi")
    error = await refused(hass, "neutral_echo", text="hi", device_id=[])
    assert error.translation_key == "no_vehicle_left"


# --- what is in the way ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields", [{}, {"text": "too long"}, {"text": 5}, {"text": "hi", "colour": "red"}]
)
async def test_fields_that_are_wrong(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry, fields: dict[str, Any]
) -> None:
    """Missing, too long, of another type, unknown: the user is told, nothing is sent."""
    for action in ("neutral_echo", "neutral_tell"):
        error = await refused(
            hass, action, entity_id=trackers(hass, acme, "1"), **fields
        )
        assert isinstance(error, ServiceValidationError)
        assert error.translation_key == "invalid_fields"
    assert cloud.commands == []


async def test_fields_that_only_one_of_the_accounts_refuses(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """All are asked before the first is changed."""
    clouds["port"].refused_texts.add("bad")
    targets = trackers(hass, acme, "1") + trackers(hass, port, "9")
    error = await refused(hass, "neutral_echo", entity_id=targets, text="bad")
    assert error.translation_key == "invalid_argument"
    assert clouds["acme"].commands == []


UNABLE = {
    "vendor": ("neutral_only_cloud", "action_not_offered"),
    "capability": ("neutral_echo", "command_unsupported"),
}


@pytest.fixture(params=UNABLE)
def unable(
    request: pytest.FixtureRequest, clouds: Clouds, port: MockConfigEntry
) -> tuple[str, str]:
    """Return an action that the other account's vehicle cannot do, and why not."""
    if request.param == "capability":
        clouds["port"].unable["9"] = CommandUnsupported()
    return UNABLE[request.param]


@pytest.mark.parametrize("way", NAMED)
async def test_one_that_cannot_and_is_named(
    hass: HomeAssistant,
    cloud: Cloud,
    acme: MockConfigEntry,
    port: MockConfigEntry,
    unable: tuple[str, str],
    way: str,
) -> None:
    """What changes something is refused as a whole before anything is done."""
    action, reason = unable
    target = place(hass, port, "9", way)
    target["entity_id"] = [*trackers(hass, acme, "1"), *target.get("entity_id", [])]
    error = await refused(hass, action, text="hi", **target)
    assert error.translation_key == reason
    assert cloud.commands == []


@pytest.mark.parametrize("way", INDIRECT)
async def test_one_that_cannot_and_is_only_reached(
    hass: HomeAssistant,
    acme: MockConfigEntry,
    port: MockConfigEntry,
    unable: tuple[str, str],
    way: str,
) -> None:
    """It is left out; if nobody is left, that is said."""
    action, _ = unable
    target = place(hass, port, "9", way)
    named = trackers(hass, acme, "1")
    answer = await call(hass, action, text="hi", entity_id=named, **target)
    assert list(answer) == named
    error = await refused(hass, action, text="hi", **target)
    assert error.translation_key == "no_vehicle_left"


async def test_one_that_is_offline_is_not_left_out(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """It could, so that an area does not hide that it was not done."""
    target = place(hass, acme, "2", "area")
    cloud.unable["2"] = VehicleOffline()
    error = await refused(
        hass, "neutral_echo", text="hi", entity_id=trackers(hass, acme, "1"), **target
    )
    assert error.translation_key == "vehicle_offline"
    assert cloud.commands == []


@pytest.mark.usefixtures("german")
async def test_errors_in_another_language(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """An error beside answers is told in the language of Home Assistant."""
    one, two = trackers(hass, acme, "1", "2")
    clouds["acme"].failing["1"] = VehicleUnavailable()
    answer = await call(hass, "neutral_tell_cloud", entity_id=[one, two], text="hi")
    assert answer[one] == {
        "error": f"{MARK}The vendor tells nothing about this vehicle."
    }


async def test_answers_beside_errors(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """An error of one vehicle takes no answer of another along."""
    one, two = trackers(hass, acme, "1", "2")
    (nine,) = trackers(hass, port, "9")
    clouds["acme"].failing["1"] = VehicleUnavailable()
    answer = await call(
        hass, "neutral_tell_cloud", entity_id=[one, two, nine], text="hi"
    )
    assert list(answer.items()) == [
        (one, {"error": "The vendor tells nothing about this vehicle."}),
        (two, {"text": "hi", "polls": 1}),
        (nine, {"error": "Neutral listener does not offer this action."}),
    ]
    # A whole account that fails is no different.
    clouds["acme"].failing.clear()
    clouds["acme"].failing["1"] = CannotConnect()
    answer = await call(hass, "neutral_tell", entity_id=[one, two, nine], text="hi")
    assert set(answer[one]) == set(answer[two]) == {"error"}
    assert answer[nine] == {"text": "hi", "polls": 1}
    # Nobody else is asked by an account that fails.
    assert [vehicle for vehicle, _ in clouds["acme"].commands] == ["1", "2", "1"]


async def test_errors_of_all_vehicles(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """The first error is the action's."""
    targets = trackers(hass, acme, "2") + trackers(hass, port, "9")
    clouds["acme"].failing["2"] = VehicleUnavailable()
    error = await refused(hass, "neutral_tell_cloud", entity_id=targets, text="hi")
    assert error.translation_key == "vehicle_unavailable"


async def test_a_change_that_fails_for_one(
    hass: HomeAssistant, clouds: Clouds, acme: MockConfigEntry, port: MockConfigEntry
) -> None:
    """The others are changed all the same, and the error is told."""
    clouds["acme"].failing["1"] = VehicleOffline()
    targets = trackers(hass, acme, "1", "2") + trackers(hass, port, "9")
    error = await refused(hass, "neutral_echo", entity_id=targets, text="hi")
    assert error.translation_key == "vehicle_offline"
    assert [vehicle for vehicle, _ in clouds["acme"].commands] == ["1", "2"]
    assert [vehicle for vehicle, _ in clouds["port"].commands] == ["9"]


# --- accounts -------------------------------------------------------------------------------


async def test_action_of_an_account(hass: HomeAssistant, cloud: Cloud) -> None:
    """It is called on the entry, whatever its vehicles."""
    entry = cloud_entry()
    await set_up(hass, entry)
    answer = await call(hass, "neutral_ask_account", config_entry=entry.entry_id)
    assert answer == {"polls": 1, "vehicles": []}

    other = MockConfigEntry(domain="other")
    other.add_to_hass(hass)
    for entry_id in ("no such entry", other.entry_id):
        error = await refused(hass, "neutral_ask_account", config_entry=entry_id)
        assert error.translation_key == "unknown_entry"

    await hass.config_entries.async_unload(entry.entry_id)
    error = await refused(hass, "neutral_ask_account", config_entry=entry.entry_id)
    assert error.translation_key == "entry_not_loaded"
    assert error.translation_placeholders == {"account": "acme"}


async def test_action_for_administrators(
    hass: HomeAssistant,
    acme: MockConfigEntry,
    hass_admin_user: User,
    hass_read_only_user: User,
) -> None:
    """Others are refused before anything is looked at; automations have no user."""

    async def ask(user_id: str | None, entry_id: str) -> Any:
        return await call(
            hass,
            "neutral_ask_account",
            config_entry=entry_id,
            context=Context(user_id=user_id),
        )

    assert await ask(hass_admin_user.id, acme.entry_id)
    assert await ask(None, acme.entry_id)
    with pytest.raises(Unauthorized):
        await ask(hass_read_only_user.id, "no such entry")
    with pytest.raises(UnknownUser):
        await ask("nobody", acme.entry_id)


# --- permissions ----------------------------------------------------------------------------

READ, CONTROL = {"read": True}, {"read": True, "control": True}


def user(hass: HomeAssistant, policy: Any) -> MockUser:
    """Return a user with a policy for entities, or with none at all."""
    found = MockUser(groups=[]).add_to_hass(hass)
    found.mock_policy({} if policy is None else {"entities": policy})
    return found


@pytest.mark.parametrize("way", NAMED + INDIRECT)
@pytest.mark.parametrize(
    ("policy", "may"),
    [
        (None, set()),
        ({"all": READ}, {"read"}),
        ({"domains": {"sensor": CONTROL, "lock": CONTROL}}, set()),
        ({"domains": {"device_tracker": READ}}, {"read"}),
        (True, {"read", "control"}),
    ],
)
async def test_permissions(
    hass: HomeAssistant,
    cloud: Cloud,
    acme: MockConfigEntry,
    way: str,
    policy: Any,
    may: set[str],
) -> None:
    """To be told wants reading the tracker, to change wants controlling it."""
    target = place(hass, acme, "2", way)
    (tracker,) = trackers(hass, acme, "2")
    caller = user(hass, policy)
    context = Context(user_id=caller.id)
    for action, permission in (("neutral_tell", "read"), ("neutral_echo", "control")):
        cloud.commands.clear()
        if permission in may:
            assert await call(hass, action, text="hi", context=context, **target)
            continue
        with pytest.raises(Unauthorized) as caught:
            await call(hass, action, text="hi", context=context, **target)
        assert caught.value.entity_id == tracker
        assert caught.value.permission == permission
        assert caught.value.user_id == caller.id
        assert cloud.commands == []


async def test_one_of_several_that_the_caller_may_not(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """Nothing is done; only "all" means those that he may."""
    one, two = trackers(hass, acme, "1", "2")
    caller = user(hass, {"entity_ids": {one: True}})
    context = Context(user_id=caller.id)
    for action in ("neutral_tell", "neutral_echo"):
        with pytest.raises(Unauthorized) as caught:
            await call(hass, action, text="hi", entity_id=[one, two], context=context)
        assert caught.value.entity_id == two
    assert cloud.commands == []
    answer = await call(
        hass, "neutral_echo", text="hi", entity_id="all", context=context
    )
    assert list(answer) == [one]


async def test_callers_that_do_not_exist(
    hass: HomeAssistant, acme: MockConfigEntry
) -> None:
    """An automation may, a user who does not exist may not."""
    target: dict[str, Any] = {"entity_id": trackers(hass, acme, "1"), "text": "hi"}
    assert await call(hass, "neutral_echo", context=Context(), **target)
    for action in ("neutral_echo", "neutral_tell"):
        with pytest.raises(UnknownUser):
            await call(hass, action, context=Context(user_id="nobody"), **target)


async def test_permission_for_an_account(
    hass: HomeAssistant, cloud: Cloud, acme: MockConfigEntry
) -> None:
    """It is that for each of its vehicles, shown or not."""
    one, two = trackers(hass, acme, "1", "2")

    async def tell(policy: Any) -> Any:
        return await call(
            hass,
            "neutral_tell_account",
            config_entry=acme.entry_id,
            context=Context(user_id=user(hass, policy).id),
        )

    assert await tell(True)
    assert await tell({"entity_ids": {one: True, two: True}})
    for policy, missing in (
        (None, {one, two}),
        ({"all": READ}, {one, two}),
        ({"entity_ids": {one: True}}, {two}),
    ):
        with pytest.raises(Unauthorized) as caught:
            await tell(policy)
        assert caught.value.entity_id in missing
        assert caught.value.permission == "control"
    er.async_get(hass).async_update_entity(
        two, disabled_by=er.RegistryEntryDisabler.USER
    )
    with pytest.raises(Unauthorized):
        await tell({"entity_ids": {one: True}})


async def test_permission_for_an_account_without_vehicles(
    hass: HomeAssistant, clouds: Clouds
) -> None:
    """It is that for everything: nobody else may speak for it."""
    empty = cloud_entry("empty")
    await set_up(hass, empty)
    for policy, may in ((True, True), ({"all": READ}, False), (None, False)):
        asked = call(
            hass,
            "neutral_tell_account",
            config_entry=empty.entry_id,
            context=Context(user_id=user(hass, policy).id),
        )
        if may:
            assert await asked
            continue
        with pytest.raises(Unauthorized):
            await asked


async def test_actions_are_there_without_an_account(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """An automation that uses one can be checked before the account is set up."""
    entry = cloud_entry()
    await set_up(hass, entry)
    await hass.config_entries.async_remove(entry.entry_id)
    assert hass.services.has_service(DOMAIN, "neutral_echo")
