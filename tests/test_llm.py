"""Tools for Assist and language models, by Home Assistant's own API."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from importlib.util import find_spec
import sys
from types import ModuleType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import llm
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.fleet_tracker.contract.history import Place, Trip
from custom_components.fleet_tracker.model.vehicle import Position
from tests.actions.calls import trackers
from tests.common import START, cloud_entry, set_up, set_up_component
from tests.neutral_vendor import Clouds, Past, alarm, told

if find_spec("homeassistant.components.llm") is None:
    pytest.skip(
        "this Home Assistant has no tools of integrations", allow_module_level=True
    )

from homeassistant.components.homeassistant.exposed_entities import async_expose_entity

from custom_components.fleet_tracker.llm import _period

ASSISTANT = "conversation"


@pytest.fixture(autouse=True)
def _without_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the conversation that notes each call, where its library is not there."""
    if find_spec("hassil") is None:
        stand_in: Any = ModuleType("homeassistant.components.conversation")
        stand_in.ConversationTraceEventType = type("Kinds", (), {"TOOL_CALL": "tool"})
        stand_in.async_conversation_trace_append = lambda *_: None
        monkeypatch.setitem(
            sys.modules, "homeassistant.components.conversation", stand_in
        )


async def tools_of(hass: HomeAssistant) -> Any:
    """Return the API as a model is offered it."""
    # In 2025 it wanted more.
    make_context: Any = llm.LLMContext
    return await llm.async_get_api(
        hass,
        llm.LLM_API_ASSIST,
        make_context(
            platform="test",
            context=Context(),
            language="en",
            assistant=ASSISTANT,
            device_id=None,
        ),
    )


async def ask(hass: HomeAssistant, tool: str, **arguments: Any) -> Any:
    """Return the answer of a tool."""
    api = await tools_of(hass)
    result = await api.async_call_tool(
        llm.ToolInput(f"fleet_tracker__{tool}", arguments)
    )
    return {"failed": True, **result.data} if result.error else result.data


def ours(api: Any) -> dict[str, Any]:
    """Return our tools by their names."""
    return {
        tool.name: tool for tool in api.tools if tool.integration == "fleet_tracker"
    }


async def test_tools(
    hass: HomeAssistant,
    clouds: Clouds,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each tells of vehicles whose tracker is exposed, and of no other."""
    freezer.move_to(START)
    await set_up_component(hass, "homeassistant")
    await set_up_component(hass, "llm")
    await hass.config.async_set_time_zone("Europe/Berlin")
    cloud = clouds["acme"]
    home = (hass.config.latitude, hass.config.longitude)
    begin = START - timedelta(hours=3)
    cloud.past = {
        "1": Past(
            trips=[
                Trip(
                    begin=begin,
                    end=begin + timedelta(minutes=30),
                    begin_place=Place(latitude=home[0], longitude=home[1]),
                    end_place=Place(latitude=1, longitude=1),
                    distance=23.4,
                    duration=1800,
                    idle_time=120,
                )
            ],
            alarms=[alarm(begin)],
        )
    }
    for vehicle_id, name in (("1", "Van"), ("2", "Bus")):
        cloud.tell(
            told(
                vehicle_id,
                START,
                name=name,
                position=Position(
                    latitude=home[0],
                    longitude=home[1],
                    accuracy=5,
                    fixed_at=START - timedelta(minutes=5),
                    speed=0,
                ),
                ignition=False,
            )
        )
    entry = cloud_entry()
    await set_up(hass, entry)
    van, bus = trackers(hass, entry, "1", "2")
    # Trackers are not exposed unless the user does it.
    assert ours(await tools_of(hass)) == {}
    async_expose_entity(hass, ASSISTANT, van, True)
    found = ours(await tools_of(hass))
    assert sorted(found) == [
        f"fleet_tracker__{one}"
        for one in ("get_alarms", "get_summary", "get_trips", "where")
    ]
    assert all(
        one.annotations.read_only and not one.annotations.destructive
        for one in found.values()
    )

    where = await ask(hass, "where", vehicle="Van")
    assert where == {
        "zone": hass.config.location_name,
        "activity": "parked",
        "position_age_minutes": 5,
        "km_from_home": 0,
    }
    trips = await ask(hass, "get_trips", vehicle="Van", range="today")
    assert trips["trips"] == [
        {
            "begin": dt_util.as_local(begin).strftime("%Y-%m-%d %H:%M"),
            "end": dt_util.as_local(begin + timedelta(minutes=30)).strftime(
                "%Y-%m-%d %H:%M"
            ),
            "km": 23.4,
            "minutes": 30,
            "from": hass.config.location_name,
        }
    ]
    alarms = await ask(hass, "get_alarms", vehicle="Van", range="today")
    assert [one["type"] for one in alarms["alarms"]] == ["sos"]
    assert await ask(hass, "get_summary", range="this_week") == {
        "vehicles": [
            {
                "vehicle": "Van",
                "km": 23.4,
                "trips": 1,
                "stops": 1,
                "driving_minutes": 30,
                "idle_minutes": 2,
            }
        ]
    }
    for tool, arguments in (
        ("where", {}),
        ("get_trips", {"range": "today"}),
        ("get_alarms", {"range": "today"}),
    ):
        for name in ("Bus", bus, "nobody"):
            answer = await ask(hass, tool, vehicle=name, **arguments)
            assert answer["failed"], (tool, name)
            assert set(answer) == {"failed", "error"}
    assert "Bus" not in str(await ask(hass, "get_summary", range="today"))

    # A user who may not read the tracker is told no more than of one that is hidden.
    api = await tools_of(hass)
    user = MockUser(groups=[]).add_to_hass(hass)
    user.mock_policy({"entities": {"entity_ids": {bus: {"read": True}}}})
    context = replace(api.llm_context, context=Context(user_id=user.id))
    for tool in ours(api).values():
        arguments = {
            key: "Van" if key == "vehicle" else "today"
            for key in tool.parameters.schema
        }
        result = await tool.async_call(
            hass, llm.ToolInput(tool.name, arguments), context
        )
        assert result.data == {"error": "Vehicle not found"}, tool.name

    # One that is hidden after the tools were offered is not told of either.
    api = await tools_of(hass)
    async_expose_entity(hass, ASSISTANT, van, False)
    for tool in ours(api).values():
        result = await tool.async_call(
            hass,
            llm.ToolInput(tool.name, {"vehicle": "Van", "range": "today"}),
            api.llm_context,
        )
        assert result.error
    assert not [
        record.getMessage()
        for record in caplog.records
        if "LLM tool" in record.getMessage()
    ]


@pytest.mark.freeze_time("2026-03-31T12:00:00+00:00")
@pytest.mark.parametrize(
    ("name", "begin", "end"),
    [
        ("today", "2026-03-31", "2026-04-01"),
        ("yesterday", "2026-03-30", "2026-03-31"),
        # It has the day of 23 hours.
        ("this_week", "2026-03-30", "2026-04-01"),
        ("last_week", "2026-03-23", "2026-03-30"),
    ],
)
async def test_ranges(hass: HomeAssistant, name: str, begin: str, end: str) -> None:
    """They are local days, whole ones."""
    await hass.config.async_set_time_zone("Europe/Berlin")
    zone = dt_util.get_default_time_zone()
    assert _period(name) == (
        datetime.fromisoformat(begin).replace(tzinfo=zone),
        datetime.fromisoformat(end).replace(tzinfo=zone),
    )
