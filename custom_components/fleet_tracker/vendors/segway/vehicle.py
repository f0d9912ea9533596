"""The accepted vehicles of a connection, and the facts learned of them for good."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

from ...contract.connection import Memory
from ...contract.errors import CommandUnsupported, VendorError
from ...model.elapsed import is_within
from ...model.json_values import Json
from ...model.vehicle import (
    Reading,
    ReadingGroup,
    TimeSource,
    Vehicle,
    VehicleDetails,
    VehicleUpdate,
)
from .commands import (
    DEFAULT_MODEL,
    LIMITED_CAPABILITIES,
    MODEL_CAPABILITIES,
    MODEL_NAMES,
)
from .errors import EndpointMissing, ParameterRefused
from .mapping import ALERT_READINGS, Alert, Condition, Group
from .schedule import Query, Schedule, State, UploadPeriods
from .vocabulary import SegwayCapability, SegwayReading

MODEL = "model"
NAME = "name"

ALERT_LASTS = timedelta(days=1)
"""An alert without a known end counts as ended after this time."""
MOST_FAULTS = 100
LONGEST_CODE = 64
"""What is remembered of faults: the document has 60 codes of two signs."""

_MEMORY = "vehicles"
QUERY_CAPABILITIES: Mapping[Query, SegwayCapability] = {
    Query.EXTRA_STATUS: SegwayCapability.EXTRA_STATUS,
    Query.BATTERY_INFO: SegwayCapability.BATTERY_INFO,
}


@dataclass(kw_only=True)
class Facts:
    """What was learned of a vehicle and outlives a restart.

    `refused`: what the picked model does not have after all. `proven`: what it has been
    seen to have. `faults`: for each code, when it was last told and whether it was
    raised then.
    """

    model: str
    refused: set[str] = field(default_factory=set)
    proven: set[str] = field(default_factory=set)
    faults: dict[str, tuple[float, bool]] = field(default_factory=dict)
    periods: UploadPeriods | None = None

    def note_fault(self, code: str, at: float, *, raised: bool) -> None:
        """Note that a fault was raised or ended, if that is no late news."""
        code = code[:LONGEST_CODE]
        if at < self.faults.get(code, (0.0, False))[0]:
            return
        self.faults[code] = (at, raised)
        while len(self.faults) > MOST_FAULTS:
            # Those that ended first, then the oldest.
            del self.faults[min(self.faults, key=lambda one: self.faults[one][::-1])]

    def as_json(self) -> Json:
        """Return the facts as the memory holds them."""
        return {
            "model": self.model,
            "refused": sorted(self.refused),
            "proven": sorted(self.proven),
            "faults": {code: [at, up] for code, (at, up) in self.faults.items()},
            "periods": asdict(self.periods) if self.periods else None,
        }

    @classmethod
    def from_json(cls, kept: Json, model: str) -> Facts:
        """Return the facts that were kept; those on models of the same one."""
        facts = cls(model=model)
        if not isinstance(kept, Mapping):
            return facts
        if kept.get("model") == model:
            facts.refused.update(_texts(kept.get("refused")))
            facts.proven.update(_texts(kept.get("proven")))
        faults = kept.get("faults")
        if isinstance(faults, Mapping):
            for code, told in faults.items():
                match told:
                    case [int() | float() as at, bool() as up]:
                        facts.faults[code] = (at, up)
        match kept.get("periods"):
            case {
                "location_unlocked": int() as location_unlocked,
                "location_locked": int() as location_locked,
                "status_riding": int() as status_riding,
                "status_standing": int() as status_standing,
                "status_locked": int() as status_locked,
            }:
                facts.periods = UploadPeriods(
                    location_unlocked=location_unlocked,
                    location_locked=location_locked,
                    status_riding=status_riding,
                    status_standing=status_standing,
                    status_locked=status_locked,
                )
        return facts


def _texts(value: Json) -> list[str]:
    return (
        [one for one in value if isinstance(one, str)]
        if isinstance(value, list)
        else []
    )


class FactsBook:
    """The facts of all vehicles, kept in the memory of the connection."""

    def __init__(self, memory: Memory) -> None:
        """Initialize with the memory."""
        self._memory = memory
        stored = memory.get(_MEMORY)
        self._stored: Mapping[str, Json] = stored if isinstance(stored, Mapping) else {}
        self._facts: dict[str, Facts] = {}
        self._kept: dict[str, Json] = {}

    def of(self, imei: str, model: str) -> Facts:
        """Return the facts of a vehicle of a model."""
        self._kept[imei] = self._stored.get(imei)
        facts = self._facts[imei] = Facts.from_json(self._kept[imei], model)
        return facts

    async def forget(self, imei: str) -> None:
        """Forget a vehicle that the user removed."""
        del self._facts[imei]
        if self._kept.pop(imei) is not None:
            await self._memory.put(_MEMORY, dict(self._kept))

    async def save(self, imei: str) -> None:
        """Keep the facts of a vehicle if they have changed, unless it was removed."""
        if (facts := self._facts.get(imei)) is None:
            return
        if self._kept[imei] != (learned := facts.as_json()):
            self._kept[imei] = learned
            await self._memory.put(_MEMORY, dict(self._kept))


@dataclass(frozen=True, slots=True)
class _Plan:
    """When a vehicle is due next, and what this was worked out from."""

    due: datetime
    known: Vehicle | None
    made_at: datetime
    ends_at: datetime


@dataclass(kw_only=True, eq=False)
class AcceptedVehicle:
    """A vehicle that the user added."""

    imei: str
    name: str
    facts: Facts
    _schedule: Schedule
    _plan: _Plan | None = None
    condition: Condition | None = None
    error: VendorError | None = None
    """Why the server did not answer the last query, None if it did."""
    introduced: bool = False
    task: asyncio.Task[None] | None = None
    raised: dict[str, datetime] = field(default_factory=dict)
    """The alerts that are raised, by their readings, and since when."""
    told: set[str] = field(default_factory=set)
    """The readings of the alerts that were told of since the start."""

    @classmethod
    def accept(
        cls,
        imei: str,
        settings: Mapping[str, object],
        book: FactsBook,
        *,
        driving: timedelta,
        standing: timedelta,
    ) -> AcceptedVehicle:
        """Return a vehicle as the user entered it, with what was learned before."""
        facts = book.of(imei, model_of(settings))
        return cls(
            imei=imei,
            name=name_of(imei, settings),
            facts=facts,
            _schedule=Schedule(
                driving=driving, standing=standing, configured=facts.periods
            ),
        )

    @property
    def schedule(self) -> Schedule:
        """The schedule. The caller may change it, so the plan made by it is forgotten."""
        self._plan = None
        return self._schedule

    @property
    def is_lost(self) -> bool:
        """Whether the account does not have it."""
        return self._schedule.lost

    @property
    def busy(self) -> bool:
        """Whether it is being asked."""
        return self.task is not None and not self.task.done()

    @property
    def asked_at(self) -> datetime:
        """When it was last asked for anything, long ago if it never was."""
        never = datetime.min.replace(tzinfo=UTC)
        return max(self._schedule.asked.values(), default=never)

    @property
    def capabilities(self) -> frozenset[str]:
        """Its capabilities: those of its model without the refused ones."""
        return MODEL_CAPABILITIES[self.facts.model] - self.facts.refused

    def lacks(self, capability: SegwayCapability, err: VendorError) -> bool:
        """Tell whether an error says that the vehicle does not have something.

        15707 always says so. HTTP 404 says so until the command has worked once, and so does
        15004 of a command that the document limits to some models.
        """
        if isinstance(err, ParameterRefused):
            doubtful = capability in LIMITED_CAPABILITIES
        elif isinstance(err, EndpointMissing):
            doubtful = True
        else:
            return isinstance(err, CommandUnsupported)
        return doubtful and capability not in self.facts.proven

    def change_model(self, model: str) -> None:
        """Forget what was learned of another model, and what was planned for it."""
        self._plan = None
        self.facts.model = model
        self.facts.refused.clear()
        self.facts.proven.clear()

    def refuse(self, capability: SegwayCapability) -> None:
        """Remember that it lacks a capability, and do not ask for it any more."""
        self._plan = None
        self.facts.refused.add(capability)

    @property
    def queries(self) -> tuple[Query, ...]:
        """Its queries, in their order."""
        return tuple(
            query
            for query in Query
            if query not in QUERY_CAPABILITIES
            or QUERY_CAPABILITIES[query] in self.capabilities
        )

    def state(self, known: Vehicle | None) -> State:
        """Return what of the vehicle decides on the pace."""
        readings = known.readings if known else {}
        locked, moving = readings.get(Reading.LOCKED), readings.get(Reading.MOVING)
        return State(
            locked if isinstance(locked, bool) else None,
            moving if isinstance(moving, bool) else None,
        )

    def pace(self, known: Vehicle | None, now: datetime) -> timedelta:
        """Return how long to wait between two questions for its status."""
        return self._schedule.interval(Query.STATUS, self.state(known), now)

    def due(self, known: Vehicle | None, now: datetime) -> list[Query]:
        """Return what to ask of it now."""
        if self._is_planned(known, now) or self.next_due(known, now) > now:
            return []
        state = self.state(known)
        due_at = self._schedule.due_at
        return [query for query in self.queries if due_at(query, state, now) <= now]

    def _is_planned(self, known: Vehicle | None, now: datetime) -> bool:
        """Tell whether the plan holds: its time has not come, and nothing has changed."""
        plan = self._plan
        return (
            plan is not None
            and plan.known is known
            and plan.made_at <= now < plan.ends_at
        )

    def next_due(self, known: Vehicle | None, now: datetime) -> datetime:
        """Return when to ask it for something again.

        That stays planned until the vehicle or its schedule changes, or the time comes.
        """
        if (plan := self._plan) is not None and self._is_planned(known, now):
            return plan.due
        state, schedule = self.state(known), self._schedule
        due = min(schedule.due_at(query, state, now) for query in self.queries)
        ends_at = min(due, schedule.steady_until(now))
        self._plan = _Plan(due, known, now, ends_at) if ends_at > now else None
        return due

    # --- news that do not come from a query ---

    def introduction(self, known: Vehicle | None, now: datetime) -> VehicleUpdate:
        """Return the vehicle's details and capabilities.

        Alerts of an earlier session are unknown again: their end may have been
        missed.
        """
        groups = [
            ReadingGroup(
                name=name,
                measured_at=group.measured_at,
                readings={},
                time_source=TimeSource.SERVER,
            )
            for name, group in (known.groups if known else {}).items()
            if name in ALERT_READINGS and name not in self.told and group.readings
        ]
        if self.facts.faults:
            groups.append(self._problem(now))
        return VehicleUpdate(
            vehicle_id=self.imei,
            details=VehicleDetails(
                name=self.name,
                manufacturer="Segway",
                model=MODEL_NAMES.get(self.facts.model),
                serial_number=self.imei,
            ),
            capabilities=self.capabilities,
            groups=tuple(groups),
        )

    def in_condition(self, condition: Condition, now: datetime) -> VehicleUpdate:
        """Return that Segway tells of it, or why not."""
        self.condition = condition
        return VehicleUpdate(
            vehicle_id=self.imei,
            groups=(
                ReadingGroup(
                    name=Group.CONDITION,
                    measured_at=now,
                    readings={SegwayReading.CONDITION: condition},
                    time_source=TimeSource.OURS,
                ),
            ),
        )

    def take_alert(self, alert: Alert, now: datetime) -> VehicleUpdate:
        """Return the news of an alert. Unknown ones have no reading, only the event."""
        groups: tuple[ReadingGroup, ...] = ()
        if (reading := alert.reading) is not None:
            self.told.add(reading)
            if alert.raised:
                self.raised[reading] = now
            else:
                self.raised.pop(reading, None)
            groups = (
                ReadingGroup(
                    name=reading,
                    measured_at=alert.occurrence.occurred_at,
                    readings={reading: alert.raised},
                    time_source=alert.occurrence.time_source,
                ),
            )
        return VehicleUpdate(
            vehicle_id=self.imei,
            groups=groups,
            occurrences=(alert.occurrence,),
            heard_at=alert.occurrence.occurred_at,
            heard_source=alert.occurrence.time_source,
            pushed=True,
        )

    def end_old_alerts(self, now: datetime) -> VehicleUpdate | None:
        """Return the end of alerts that were raised more than a day ago."""
        old = [
            reading
            for reading, at in self.raised.items()
            if not is_within(at, ALERT_LASTS, now)
        ]
        if not old:
            return None
        for reading in old:
            del self.raised[reading]
        return VehicleUpdate(
            vehicle_id=self.imei,
            groups=tuple(
                ReadingGroup(
                    name=reading,
                    measured_at=now,
                    readings={reading: False},
                    time_source=TimeSource.OURS,
                )
                for reading in old
            ),
        )

    def take_fault(self, fault: Alert, now: datetime) -> VehicleUpdate:
        """Return the news of a fault, with whether any is raised now."""
        self.facts.note_fault(fault.code, fault.at.timestamp(), raised=fault.raised)
        return VehicleUpdate(
            vehicle_id=self.imei,
            groups=(self._problem(now),),
            occurrences=(fault.occurrence,),
            heard_at=fault.occurrence.occurred_at,
            heard_source=fault.occurrence.time_source,
            pushed=True,
        )

    def _problem(self, now: datetime) -> ReadingGroup:
        problem = any(raised for _, raised in self.facts.faults.values())
        return ReadingGroup(
            name=Group.FAULTS,
            measured_at=now,
            readings={SegwayReading.PROBLEM: problem},
            time_source=TimeSource.OURS,
        )

    def diagnostics(self, now: datetime) -> Mapping[str, object]:
        """Return the vehicle's health, without anything private."""
        schedule = self._schedule
        return {
            "model": self.facts.model,
            "refused": sorted(self.facts.refused),
            "condition": self.condition,
            "server_error": self.error.translation_key if self.error else None,
            "failures": {query.value: n for query, n in schedule.failures.items()},
            "asked_seconds_ago": _ages(schedule.asked, now),
            "pushed_seconds_ago": _ages(schedule.pushed, now),
            "upload_interval_set": schedule.configured is not None,
        }


async def stop_asking(vehicles: Iterable[AcceptedVehicle]) -> None:
    """Give up what vehicles are being asked."""
    tasks = [vehicle.task for vehicle in vehicles if vehicle.task is not None]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


def _ages(times: Mapping[Query, datetime], now: datetime) -> dict[str, int]:
    return {
        query.value: round((now - at).total_seconds()) for query, at in times.items()
    }


def model_of(settings: Mapping[str, object]) -> str:
    """Return the model that the user picked, the e-moped if it is none we know."""
    model = settings.get(MODEL)
    return (
        model
        if isinstance(model, str) and model in MODEL_CAPABILITIES
        else (DEFAULT_MODEL)
    )


def name_of(imei: str, settings: Mapping[str, object]) -> str:
    """Return what the user called it."""
    name = settings.get(NAME)
    return name if isinstance(name, str) and name else f"Segway {imei[-4:]}"
