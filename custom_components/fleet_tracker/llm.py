"""Tools for Assist and language models: where a vehicle is, and what it did.

Home Assistant 2025 has no such tools and never loads this module. They only read, and know no
vehicle but those whose tracker the user exposed. Answers hold no coordinates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.auth.models import User
from homeassistant.auth.permissions.const import POLICY_READ
from homeassistant.components.device_tracker import DOMAIN as DEVICE_TRACKER_DOMAIN
from homeassistant.components.homeassistant import async_should_expose
from homeassistant.components.llm import LLMTools
from homeassistant.components.zone import ENTITY_ID_HOME
from homeassistant.const import ATTR_LATITUDE, ATTR_LONGITUDE, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, intent
from homeassistant.helpers.llm import (
    LLM_API_ASSIST,
    LLMContext,
    Tool,
    ToolAnnotations,
    ToolInput,
    ToolResult,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType, JsonValueType
from homeassistant.util.location import distance
import voluptuous as vol

from .account.coordinator import FleetCoordinator, find_vehicle
from .account.trips.places import place_name
from .const import DOMAIN
from .model.vehicle import Activity, Reading

MOST_ROWS = 30
"""How many trips or alarms an answer holds: a model reads each of them."""
MOST_VEHICLES = 30

ATTR_VEHICLE = "vehicle"
ATTR_RANGE = "range"
_RANGES = ("today", "yesterday", "this_week", "last_week")

type _Vehicles = Mapping[str, str]
"""The entity ids of exposed trackers by the names that they are called by."""


def _period(range_: str) -> tuple[datetime, datetime]:
    """Return the local days of a range. A week begins on Monday."""
    today = dt_util.now().date()
    first = today
    if range_.endswith("week"):
        first -= timedelta(days=today.weekday())
    if range_ in ("yesterday", "last_week"):
        end = first
        first -= timedelta(days=1 if range_ == "yesterday" else 7)
    else:
        end = today + timedelta(days=1)
    return dt_util.start_of_local_day(first), dt_util.start_of_local_day(end)


def _local(time: str | None) -> str | None:
    """Return a time of an answer in Home Assistant's time zone."""
    parsed = dt_util.parse_datetime(time) if time else None
    if parsed is None:
        return None
    return dt_util.as_local(parsed).strftime("%Y-%m-%d %H:%M")


def _minutes(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds / 60)


async def _async_user(hass: HomeAssistant, llm_context: LLMContext) -> User | None:
    """Return the user who asks, None where none is known, such as at a speaker."""
    user_id = None if llm_context.context is None else llm_context.context.user_id
    return None if user_id is None else await hass.auth.async_get_user(user_id)


class _VehicleTool(Tool, ABC):
    """A tool about vehicles that the user exposed."""

    annotations = ToolAnnotations(
        read_only=True, destructive=False, idempotent=True, open_world=False
    )
    integration = DOMAIN
    asks_range = True
    asks_vehicle = True

    def __init__(self, vehicles: _Vehicles) -> None:
        """Initialize with the vehicles, whose names are all that can be chosen."""
        self._vehicles = vehicles
        fields: dict[Any, Any] = {}
        if self.asks_vehicle:
            fields[vol.Required(ATTR_VEHICLE)] = vol.In(list(vehicles))
        if self.asks_range:
            fields[vol.Required(ATTR_RANGE)] = vol.In(_RANGES)
        self.parameters = vol.Schema(fields)

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> ToolResult:
        """Answer, or tell why nothing can be told."""
        try:
            data = self.parameters(tool_input.tool_args)
        except vol.Invalid as err:
            return ToolResult(data={"error": str(err)}, error=True)
        name = data.get(ATTR_VEHICLE)
        entity_ids = (
            [self._vehicles[name]]
            if name is not None
            else list(dict.fromkeys(self._vehicles.values()))[:MOST_VEHICLES]
        )
        # It may have been hidden since the tool was offered.
        user = await _async_user(hass, llm_context)
        entity_ids = [
            one
            for one in entity_ids
            if async_should_expose(hass, llm_context.assistant or "", one)
            and (user is None or user.permissions.check_entity(one, POLICY_READ))
        ]
        if not entity_ids:
            return ToolResult(data={"error": "Vehicle not found"}, error=True)
        try:
            answer = await self._async_answer(hass, entity_ids, data, llm_context)
        except HomeAssistantError as err:
            return ToolResult(data={"error": str(err)}, error=True)
        return ToolResult(data=answer, error="error" in answer)

    @abstractmethod
    async def _async_answer(
        self,
        hass: HomeAssistant,
        entity_ids: Sequence[str],
        data: Mapping[str, Any],
        llm_context: LLMContext,
    ) -> JsonObjectType:
        """Return the answer for exposed trackers."""


async def _async_past(
    hass: HomeAssistant,
    action: str,
    entity_ids: Sequence[str],
    range_: str,
    llm_context: LLMContext,
    **more: Any,
) -> dict[str, Any]:
    """Return what an action tells of a range, with the permissions of the user."""
    begin, end = _period(range_)
    answer: Any = await hass.services.async_call(
        DOMAIN,
        action,
        {
            "entity_id": list(entity_ids),
            "begin": begin.isoformat(),
            "end": min(end, dt_util.now()).isoformat(),
            **more,
        },
        blocking=True,
        context=llm_context.context,
        return_response=True,
    )
    return dict(answer)


class WhereTool(_VehicleTool):
    """Tells where a vehicle is."""

    name = f"{DOMAIN}__where"
    title = "Where a vehicle is"
    description = (
        "Tells where a vehicle is now: the zone it is in, else the address if that is "
        "known, what it does, since when, and how old its last position is."
    )
    asks_range = False

    @override
    async def _async_answer(
        self,
        hass: HomeAssistant,
        entity_ids: Sequence[str],
        data: Mapping[str, Any],
        llm_context: LLMContext,
    ) -> JsonObjectType:
        entry = er.async_get(hass).async_get(entity_ids[0])
        found = entry and entry.device_id and find_vehicle(hass, entry.device_id)
        if not found:
            return {"error": "The account of the vehicle is not running"}
        coordinator, vehicle_id = found
        vehicle = coordinator.vehicles()[vehicle_id]
        readings, position = vehicle.readings, vehicle.position
        activity = readings.get(Reading.ACTIVITY)
        trips = vehicle.trips
        since: float | None = None
        if activity == Activity.DRIVING and trips.running is not None:
            since = trips.running.begin
        elif activity == Activity.PARKED and trips.last_ended is not None:
            since = trips.last_ended.found.until
        answer: dict[str, Any] = {
            "zone": position
            and place_name(hass, position.latitude, position.longitude),
            "address": _address(hass, coordinator, vehicle_id),
            "activity": activity,
            "since": None
            if since is None
            else _local(dt_util.utc_from_timestamp(since).isoformat()),
        }
        if vehicle.latest_fix is not None:
            age = dt_util.utcnow() - vehicle.latest_fix.fixed_at
            answer["position_age_minutes"] = _minutes(max(age.total_seconds(), 0))
        home = hass.states.get(ENTITY_ID_HOME)
        if position is not None and home is not None:
            metres = distance(
                position.latitude,
                position.longitude,
                home.attributes[ATTR_LATITUDE],
                home.attributes[ATTR_LONGITUDE],
            )
            if metres is not None:
                answer["km_from_home"] = round(metres / 1000, 1)
        return {key: value for key, value in answer.items() if value is not None}


class _ListTool(_VehicleTool):
    """Lists the trips or alarms of one vehicle in a range of days."""

    action: str
    """The name of the action, which is also the tool's own."""
    rows: str
    """The key of the list in the answers of the action and of the tool."""

    @abstractmethod
    def _row(self, hass: HomeAssistant, one: Mapping[str, Any]) -> JsonObjectType:
        """Return one trip or alarm as the model reads it."""

    @override
    async def _async_answer(
        self,
        hass: HomeAssistant,
        entity_ids: Sequence[str],
        data: Mapping[str, Any],
        llm_context: LLMContext,
    ) -> JsonObjectType:
        told = await _async_past(
            hass,
            self.action,
            entity_ids,
            data[ATTR_RANGE],
            llm_context,
            limit=MOST_ROWS,
        )
        answer = told[entity_ids[0]]
        if "error" in answer:
            return {"error": answer["error"]}
        return {
            self.rows: [self._row(hass, one) for one in answer[self.rows]],
            "truncated": bool(answer.get("truncated")),
        }


class TripsTool(_ListTool):
    """Tells the drives of a vehicle."""

    action, rows = "get_trips", "trips"
    name = f"{DOMAIN}__{action}"
    title = "Drives of a vehicle"
    description = (
        "Lists the drives of a vehicle in a range of days: begin, end, kilometers, "
        "minutes, and the zones where they began and ended."
    )

    @override
    def _row(self, hass: HomeAssistant, one: Mapping[str, Any]) -> JsonObjectType:
        row: JsonObjectType = {
            "begin": _local(one["begin"]),
            "end": _local(one["end"]),
            "km": one["distance"],
            "minutes": _minutes(one["duration"]),
            "from": _zone(hass, one.get("begin_place")),
            "to": _zone(hass, one.get("end_place")),
        }
        return {key: value for key, value in row.items() if value is not None}


class AlarmsTool(_ListTool):
    """Tells the alarms of a vehicle."""

    action, rows = "get_alarms", "alarms"
    name = f"{DOMAIN}__{action}"
    title = "Alarms of a vehicle"
    description = "Lists the alarms of a vehicle in a range of days."

    @override
    def _row(self, hass: HomeAssistant, one: Mapping[str, Any]) -> JsonObjectType:
        return {"time": _local(one["time"]), "type": one["type"], "name": one["name"]}


class SummaryTool(_VehicleTool):
    """Tells how much all vehicles drove."""

    name = f"{DOMAIN}__get_summary"
    title = "Summary of all vehicles"
    description = (
        "Tells of each vehicle how many kilometers it drove in a range of days, in how many "
        "drives, how often it stopped, and how many minutes it idled."
    )
    asks_vehicle = False

    @override
    async def _async_answer(
        self,
        hass: HomeAssistant,
        entity_ids: Sequence[str],
        data: Mapping[str, Any],
        llm_context: LLMContext,
    ) -> JsonObjectType:
        told = await _async_past(
            hass, "get_trips", entity_ids, data[ATTR_RANGE], llm_context
        )
        names: dict[str, str] = {}
        for name, entity_id in self._vehicles.items():
            names.setdefault(entity_id, name)
        vehicles: list[JsonValueType] = []
        for entity_id in entity_ids:
            answer = told[entity_id]
            if "error" in answer:
                vehicles.append({"vehicle": names[entity_id], "error": answer["error"]})
                continue
            trips = answer["trips"]
            vehicles.append(
                {
                    "vehicle": names[entity_id],
                    "km": round(sum(one["distance"] or 0 for one in trips), 1),
                    "trips": len(trips),
                    "stops": sum(one["end"] is not None for one in trips),
                    "driving_minutes": _minutes(
                        sum(one["duration"] or 0 for one in trips)
                    ),
                    "idle_minutes": _minutes(
                        sum(one["idle_time"] or 0 for one in trips)
                    ),
                }
            )
        return {"vehicles": vehicles}


_TOOLS = (WhereTool, TripsTool, AlarmsTool, SummaryTool)


# --- the vehicles -----------------------------------------------------------------------


def _address(
    hass: HomeAssistant, coordinator: FleetCoordinator, vehicle_id: str
) -> str | None:
    """Return the address of a vehicle, if the user enabled the sensor that shows it."""
    entity_id = er.async_get(hass).async_get_entity_id(
        Platform.SENSOR,
        DOMAIN,
        coordinator.devices.unique_id(vehicle_id, Reading.ADDRESS),
    )
    if entity_id is None or hass.states.get(entity_id) is None:
        return None
    address = coordinator.vehicles()[vehicle_id].readings.get(Reading.ADDRESS)
    return None if address is None else str(address)


def _zone(hass: HomeAssistant, place: Mapping[str, Any] | None) -> str | None:
    """Return the zone of a place in an answer, None outside of all."""
    if place is None:
        return None
    return place_name(hass, place.get(ATTR_LATITUDE), place.get(ATTR_LONGITUDE))


@callback
def _exposed(hass: HomeAssistant, assistant: str) -> dict[str, str]:
    """Return the exposed trackers by the names and aliases of them.

    Where two vehicles share a name, the second is called by its entity id as well.
    """
    registry = er.async_get(hass)
    vehicles: dict[str, str] = {}
    for state in sorted(
        hass.states.async_all(DEVICE_TRACKER_DOMAIN), key=lambda one: one.entity_id
    ):
        entry = registry.async_get(state.entity_id)
        if (
            entry is None
            or entry.platform != DOMAIN
            or not async_should_expose(hass, assistant, state.entity_id)
        ):
            continue
        for name in intent.async_get_entity_aliases(hass, entry, state=state):
            if vehicles.setdefault(name, state.entity_id) != state.entity_id:
                vehicles[f"{name} ({state.entity_id})"] = state.entity_id
    return vehicles


@callback
def async_get_tools(
    hass: HomeAssistant, llm_context: LLMContext, api_id: str
) -> LLMTools | None:
    """Return the tools, None where no vehicle is exposed."""
    if api_id != LLM_API_ASSIST:
        return None
    vehicles = _exposed(hass, llm_context.assistant or "")
    if not vehicles:
        return None
    return LLMTools(tools=[tool(vehicles) for tool in _TOOLS])
