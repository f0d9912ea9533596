"""Problems that the user can let be solved."""

from __future__ import annotations

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.fleet_tracker.const import DOMAIN
from custom_components.fleet_tracker.contract.errors import CannotConnect
from custom_components.fleet_tracker.repairs import async_create_fix_flow
from tests.common import START, cloud_entry, set_up
from tests.neutral_vendor import FIXABLE, Cloud, Clouds

PATH = "/api/repairs/issues/fix"


@pytest.fixture
def cloud(clouds: Clouds, freezer: FrozenDateTimeFactory) -> Cloud:
    """Return the cloud of one account."""
    freezer.move_to(START)
    return clouds["acme"]


async def test_problem_is_solved(
    hass: HomeAssistant, cloud: Cloud, hass_client: ClientSessionGenerator
) -> None:
    """After a question; what changes with it is kept, and the entry set up once."""
    assert await async_setup_component(hass, "repairs", {})
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
