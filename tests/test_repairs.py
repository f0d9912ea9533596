"""Problems that the user can let be solved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import device_registry as dr, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components import fleet_tracker
from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.repairs import async_create_fix_flow
from tests.common import START, cloud_entry, set_up, set_up_component
from tests.neutral_vendor import FIXABLE, Cloud, Clouds, told

PATH = "/api/repairs/issues/fix"
TEXTS = Path(fleet_tracker.__file__).parent / "translations" / "en.json"


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account."""
    freezer.move_to(START)
    return clouds["acme"]


async def test_problem_is_solved(
    hass: HomeAssistant, cloud: Cloud, hass_client: ClientSessionGenerator
) -> None:
    """After a question; what changes with it is kept, and the entry set up once."""
    await set_up_component(hass, "repairs")
    entry = cloud_entry(options={"token": "old", "other": 1})
    coordinator = await set_up(hass, entry)
    coordinator.raise_problem(FIXABLE, count="3")
    coordinator.raise_problem("not_fixable")
    issue_id = f"{FIXABLE}_{entry.entry_id}"
    issues = ir.async_get(hass).issues
    assert {key: issue.is_fixable for (_, key), issue in issues.items()} == {
        issue_id: True,
        f"not_fixable_{entry.entry_id}": False,
    }
    # What is over by the next start must not be shown then.
    assert not any(issue.is_persistent for issue in issues.values())

    client = await hass_client()

    async def send(path: str, **data: Any) -> dict[str, Any]:
        response = await client.post(path, json=data)
        answer: dict[str, Any] = await response.json()
        await hass.async_block_till_done()
        return answer

    form = await send(PATH, handler=DOMAIN, issue_id=issue_id)
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {"account": "acme", "count": "3"}
    cloud.solve_error = CannotConnect()
    form = await send(f"{PATH}/{form['flow_id']}")
    assert form["errors"] == {"base": "cannot_connect"}
    assert issue_id in {key for _, key in issues}
    cloud.solve_error = None
    result = await send(f"{PATH}/{form['flow_id']}")
    assert result["type"] == FlowResultType.CREATE_ENTRY
    assert dict(entry.options) == {"token": FIXABLE, "other": 1}
    assert issue_id not in {key for _, key in issues}
    assert cloud.connections == 2


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["Van"], "Van"),
        (["van 2", "Bus", "Van 1"], "Bus, Van 1, van 2"),
        (["A", "B", "C", "D", "E"], "A, B, C, D, E"),
        (["G", "F", "E", "D", "C", "B", "A"], "A, B, C, D, E and 2 more"),
        # What a name holds is neither a link nor a picture nor a line of its own.
        (["[V](x:y)\n![]<b>*"], r"\[V\]\(x\:y\) \!\[\]\<b\>\*"),
    ],
)
async def test_problem_names_its_vehicles(
    hass: HomeAssistant, cloud: Cloud, names: list[str], shown: str
) -> None:
    """The first ones by name, and how many more there are."""
    cloud.fleet = {
        str(number): told(str(number), START, name=name)
        for number, name in enumerate(names)
    }
    coordinator = await set_up(hass, cloud_entry())

    coordinator.raise_problem(FIXABLE, vehicles=list(cloud.fleet))

    (issue,) = ir.async_get(hass).issues.values()
    assert (issue.translation_placeholders or {})["vehicles"] == shown


async def test_problem_calls_vehicles_as_the_user_does(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """A device that was renamed has its new name there; an id is no name."""
    cloud.fleet = {"1": told("1", START, name="Old"), "2": told("2", START, name="Bus")}
    coordinator = await set_up(hass, cloud_entry())
    registry = dr.async_get(hass)
    (device,) = (
        device
        for device in dr.async_entries_for_config_entry(
            registry, coordinator.config_entry.entry_id
        )
        if device.name == "Old"
    )
    registry.async_update_device(device.id, name_by_user="New")

    coordinator.raise_problem(FIXABLE, vehicles=["1", "2", "unheard of"])

    (issue,) = ir.async_get(hass).issues.values()
    named = (issue.translation_placeholders or {})["vehicles"]
    assert named == "Bus, New"


def test_texts_name_the_vehicles_concerned() -> None:
    """A text that speaks of certain vehicles has their names, never in a title."""
    texts = json.loads(TEXTS.read_text(encoding="utf-8"))["issues"]
    described = {
        key: issue.get("description")
        or issue["fix_flow"]["step"]["confirm"]["description"]
        for key, issue in texts.items()
    }
    named = {key for key, text in described.items() if "{vehicles}" in text}
    assert named >= {
        "ignition_unusable",
        "segway_vehicles_not_found",
        "subscription_ending",
        "subscription_expired",
        "tracker_clocks_wrong",
        "vt3_unknown_names",
        "vt3_wrong_speed_unit",
    }
    assert not [key for key in texts if "{vehicles}" in texts[key]["title"]]
    # What the vendor cuts off it does not name, and pushes are signed for the account.
    counted = {key for key, text in described.items() if "{count}" in text}
    assert counted == {"list_cut_off", "segway_push_signature", "too_many_entities"}


async def test_problem_of_an_entry_that_is_not_loaded(
    hass: HomeAssistant, cloud: Cloud
) -> None:
    """There is nobody who could solve it."""
    entry = cloud_entry()
    await set_up(hass, entry)
    data = {"entry_id": entry.entry_id, "cause": FIXABLE}
    await hass.config_entries.async_unload(entry.entry_id)
    for gone in (False, True):
        if gone:
            await hass.config_entries.async_remove(entry.entry_id)
        flow = await async_create_fix_flow(hass, "issue", data)
        flow.hass = hass
        result = await flow.async_step_init()
        assert result["type"] is FlowResultType.ABORT
        assert result["reason"] == "entry_not_loaded"


async def test_issue_without_an_origin(hass: HomeAssistant) -> None:
    """What does not say where it is from cannot be solved."""
    with pytest.raises(ValueError, match="says nothing"):
        await async_create_fix_flow(hass, "issue", None)
