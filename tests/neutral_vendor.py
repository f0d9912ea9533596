"""A vendor that exists only in tests: all that the contract allows, in the smallest form.

Its clouds live in memory, and a test decides what they tell. There are three: `CLOUD`
lists its vehicles, is polled and pushes, and tells of the past; to `LISTENER` vehicles are
added one by one and nothing is ever polled; vehicles of `FILMING` have cameras.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
import json
import sys
from types import MappingProxyType, ModuleType
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, SupportsResponse
import pytest
import voluptuous as vol

from custom_components.fleet_tracker import config_flow, options_flow
from custom_components.fleet_tracker.const import CONF_IDENTITY, DOMAIN
from custom_components.fleet_tracker.contract.commands import (
    HARMLESS,
    Clearance,
    Command,
    CommandResult,
)
from custom_components.fleet_tracker.contract.connection import (
    Connection,
    Host,
    Memory,
    PollResult,
    Settings,
)
from custom_components.fleet_tracker.contract.errors import (
    InvalidArgument,
    VehicleUnavailable,
    VendorError,
)
from custom_components.fleet_tracker.contract.history import (
    Distance,
    Found,
    HistoryKind,
    HistoryQuery,
    RoutePoint,
    Stop,
    Trip,
    VendorHistory,
    one_by_one,
)
from custom_components.fleet_tracker.contract.media import MediaFile, VendorMedia
from custom_components.fleet_tracker.contract.pushes import PushAnswer, PushRequest
from custom_components.fleet_tracker.model.json_values import Json
from custom_components.fleet_tracker.model.vehicle import (
    EMPTY,
    Occurrence,
    OccurrenceKind,
    OccurrenceType,
    Position,
    Reading,
    ReadingGroup,
    Value,
    VehicleDetails,
    VehicleUpdate,
)
from custom_components.fleet_tracker.offer.action import (
    ActionEffect,
    ActionRequest,
    ActionSummary,
    ActionTarget,
    Outcomes,
    VendorAction,
    for_each,
)
from custom_components.fleet_tracker.offer.descriptions import (
    BATTERY,
    FleetBinarySensorDescription,
    FleetButtonDescription,
    FleetEventDescription,
    FleetLockDescription,
    FleetNumberDescription,
    FleetSelectDescription,
    FleetSensorDescription,
    FleetSwitchDescription,
    VendorEntities,
    engine_buttons,
)
from custom_components.fleet_tracker.offer.flow import (
    Account,
    AddedVehicle,
    Input,
    OptionSection,
    VehicleFlow,
    VendorFlow,
)
from custom_components.fleet_tracker.offer.summary import VendorSummary
from custom_components.fleet_tracker.offer.vendor import Vendor

CLOUD, LISTENER = "neutral_cloud", "neutral_listener"
FILMING = "neutral_cameras"
ROOT_PATH = "/neutral/push"
FIXABLE = "neutral_fixable"

type Answer = CommandResult | VendorError | None


def told(
    vehicle_id: str,
    now: datetime,
    readings: Mapping[str, Value] = EMPTY,
    /,
    *,
    position: Position | None = None,
    heard_at: datetime | None = None,
    name: str | None = None,
    capabilities: frozenset[str] | None = None,
    occurrences: tuple[Occurrence, ...] = (),
    **more: Value,
) -> VehicleUpdate:
    """Return what a cloud tells of a vehicle."""
    return VehicleUpdate(
        vehicle_id=vehicle_id,
        details=VehicleDetails(name=name) if name else None,
        capabilities=capabilities,
        position=position,
        heard_at=heard_at or now,
        occurrences=occurrences,
        groups=(
            ReadingGroup(name="status", measured_at=now, readings={**readings, **more}),
        ),
    )


def alarm(
    occurred_at: datetime,
    kind: OccurrenceType = OccurrenceType.SOS,
    code: str = "1",
    **details: Value,
) -> Occurrence:
    """Return an alarm."""
    return Occurrence(
        kind=OccurrenceKind.ALARM,
        type=kind,
        occurred_at=occurred_at,
        code=code,
        name="The vendor's own name",
        details=details,
    )


@dataclass
class Past:
    """The past of a vehicle, as a cloud knows it."""

    route: Sequence[RoutePoint] = ()
    trips: Sequence[Trip] = ()
    stops: Sequence[Stop] = ()
    alarms: Sequence[Occurrence] = ()
    kilometres: float | None = None


@dataclass
class Cloud:
    """What one account knows, and how it behaves. Errors last until they are taken away."""

    fleet: dict[str, VehicleUpdate] = field(default_factory=dict)
    roster: frozenset[str] | None = None
    poll_error: VendorError | None = None
    part_error: VendorError | None = None
    open_error: VendorError | None = None
    check_error: VendorError | None = None
    look_error: VendorError | None = None
    solve_error: VendorError | None = None
    interval: timedelta | None = None
    answers: dict[str, Answer] = field(default_factory=dict)
    refused_texts: set[str] = field(default_factory=set)
    unable: dict[str, VendorError] = field(default_factory=dict)
    """Why vehicles are known not to be able to echo."""
    failing: dict[str, VendorError] = field(default_factory=dict)
    """The errors that vehicles echo with."""
    busy: asyncio.Event | None = None
    """Commands and polls wait for it, if it is there."""
    lane: asyncio.Event | None = None
    """Commands wait for it before they are sent, if it is there."""
    hang: asyncio.Event | None = None
    """Looks wait for it, if it is there."""
    push_status: int = 200
    past: dict[str, Past] = field(default_factory=dict)
    """The past of one vehicle; nothing happened to the others."""
    past_errors: dict[str, VendorError] = field(default_factory=dict)
    """Why nothing is told of the past of vehicles."""
    silent: set[str] = field(default_factory=set)
    """The vehicles of whose past nothing is told, ever."""
    photos: dict[str, MediaFile] = field(default_factory=dict)
    """The newest photo of each vehicle with a camera."""
    files: dict[str, Sequence[MediaFile]] = field(default_factory=dict)
    """The files of the cameras of vehicles, those of alarms among them."""
    live: dict[tuple[str, int], str] = field(default_factory=dict)
    """The addresses of live views that are open."""
    media_error: VendorError | None = None
    untold: set[HistoryKind] = field(default_factory=set)
    """What is not told of the past."""
    diagnostics: dict[str, object] = field(default_factory=dict)
    account_name: str | None = None
    memory: dict[str, Json] = field(default_factory=dict)

    polls: int = 0
    looks: list[str] = field(default_factory=list)
    commands: list[tuple[str, Command]] = field(default_factory=list)
    pushes: list[PushRequest] = field(default_factory=list)
    checks: list[dict[str, Any]] = field(default_factory=list)
    accepted: list[Mapping[str, Mapping[str, object]]] = field(default_factory=list)
    queries: list[HistoryQuery] = field(default_factory=list)
    is_open: bool = False
    connections: int = 0
    host: Host | None = None
    settings: Settings | None = None

    def tell(self, *updates: VehicleUpdate) -> None:
        """Let the next polls tell this, beside what is known of other vehicles."""
        self.fleet |= {update.vehicle_id: update for update in updates}

    def push(self, *updates: VehicleUpdate) -> None:
        """Tell this now."""
        assert self.host is not None
        self.host.receive(replace(update, pushed=True) for update in updates)


class NeutralHistory(VendorHistory):
    """The history of a cloud's vehicles."""

    def __init__(self, cloud: Cloud) -> None:
        """Initialize with the cloud."""
        self._cloud = cloud

    @property
    def offers(self) -> frozenset[HistoryKind]:
        """Return what the test did not take away."""
        return frozenset(HistoryKind) - self._cloud.untold

    async def routes(self, query: HistoryQuery) -> Found[Sequence[RoutePoint]]:
        """Tell where vehicles were."""
        return await self._found(query, lambda past: past.route)

    async def trips(self, query: HistoryQuery) -> Found[Sequence[Trip]]:
        """Tell the drives."""
        return await self._found(query, lambda past: past.trips)

    async def stops(
        self, query: HistoryQuery, *, idling: bool
    ) -> Found[Sequence[Stop]]:
        """Tell when vehicles stood."""
        return await self._found(
            query,
            lambda past: [stop for stop in past.stops if stop.idling == idling],
        )

    async def alarms(self, query: HistoryQuery) -> Found[Sequence[Occurrence]]:
        """Tell the alarms."""
        return await self._found(query, lambda past: past.alarms)

    async def distances(self, query: HistoryQuery) -> Found[Distance]:
        """Tell how far vehicles drove, in full hours."""
        begin = query.begin.replace(minute=0, second=0, microsecond=0)
        return await self._found(
            query,
            lambda past: Distance(begin=begin, end=query.end, distance=past.kilometres),
        )

    async def _found[T](
        self, query: HistoryQuery, tell: Callable[[Past], T]
    ) -> Found[T]:
        self._cloud.queries.append(query)

        async def ask(vehicle_id: str) -> T:
            if (error := self._cloud.past_errors.get(vehicle_id)) is not None:
                raise error
            if vehicle_id in self._cloud.silent:
                await asyncio.Event().wait()
            return tell(self._cloud.past.get(vehicle_id, Past()))

        return await one_by_one(query, ask)


class NeutralMedia(VendorMedia):
    """The cameras of a cloud's vehicles: one each, of those that have files."""

    def __init__(self, cloud: Cloud) -> None:
        """Initialize with the cloud."""
        self._cloud = cloud

    async def newest_photo(self, vehicle_id: str) -> MediaFile | None:
        """Return the newest photo."""
        self._check()
        return self._cloud.photos.get(vehicle_id)

    async def open_live(self, vehicle_id: str, camera: int) -> str:
        """Open a live view."""
        self._check()
        address = f"rtsp://cloud.invalid/{vehicle_id}/{camera}"
        return self._cloud.live.setdefault((vehicle_id, camera), address)

    async def close_live(self, vehicle_id: str, camera: int) -> None:
        """Close a live view."""
        self._cloud.live.pop((vehicle_id, camera), None)

    def cameras(self, vehicle_id: str) -> Sequence[int]:
        """Return the one camera."""
        return (1,) if vehicle_id in self._cloud.files else ()

    async def files(
        self, vehicle_id: str, camera: int, begin: datetime, end: datetime
    ) -> Sequence[MediaFile]:
        """Return the files of a camera."""
        found = self._of_period(vehicle_id, begin, end)
        return [file for file in found if file.camera == camera]

    async def alarm_files(
        self, vehicle_id: str, begin: datetime, end: datetime
    ) -> Sequence[MediaFile]:
        """Return the files that belong to no camera."""
        found = self._of_period(vehicle_id, begin, end)
        return [file for file in found if file.camera is None]

    def _of_period(
        self, vehicle_id: str, begin: datetime, end: datetime
    ) -> list[MediaFile]:
        self._check()
        files = self._cloud.files.get(vehicle_id, ())
        return [file for file in files if begin <= file.created_at < end]

    def _check(self) -> None:
        if self._cloud.media_error is not None:
            raise self._cloud.media_error


class NeutralConnection(Connection):
    """A connection to a cloud in memory, which remembers the past."""

    def __init__(self, settings: Settings, host: Host, cloud: Cloud) -> None:
        """Keep the host, so that a test can push through it."""
        super().__init__(settings, host)
        self.cloud = cloud
        self.history: VendorHistory | None = NeutralHistory(cloud)
        cloud.host = host
        cloud.settings = settings
        cloud.connections += 1

    async def open(self) -> None:
        """Open, unless the cloud refuses."""
        if self.cloud.open_error is not None:
            raise self.cloud.open_error
        self.cloud.is_open = True

    async def close(self) -> None:
        """Close, with a last word that nobody should hear any more."""
        await asyncio.sleep(0)
        self.host.receive(self.cloud.fleet.values())
        self.cloud.is_open = False

    async def poll(self) -> PollResult:
        """Tell what the cloud tells."""
        self.cloud.polls += 1
        await self._wait()
        if self.cloud.poll_error is not None:
            raise self.cloud.poll_error
        return PollResult(
            updates=tuple(self.cloud.fleet.values()),
            roster=self.cloud.roster,
            error=self.cloud.part_error,
        )

    def poll_interval(self) -> timedelta | None:
        """Return the cloud's own interval, if it has one."""
        return self.cloud.interval or super().poll_interval()

    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """Tell what the cloud tells of one vehicle."""
        self.cloud.looks.append(vehicle_id)
        if self.cloud.hang is not None:
            await self.cloud.hang.wait()
        if self.cloud.look_error is not None:
            raise self.cloud.look_error
        if vehicle_id not in self.cloud.fleet:
            raise VehicleUnavailable("No such vehicle")
        return self.cloud.fleet[vehicle_id]

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Do as told, unless a test decided otherwise."""
        self.check_clearance(vehicle_id, command, clearance)
        if self.cloud.lane is not None:
            await self.cloud.lane.wait()
        clearance.leave()
        self.cloud.commands.append((vehicle_id, command))
        await self._wait()
        answer = self.cloud.answers.get(command.name)
        if isinstance(answer, VendorError):
            raise answer
        return answer or CommandResult(
            text="OK", update=self._after(vehicle_id, command)
        )

    def _after(self, vehicle_id: str, command: Command) -> VehicleUpdate:
        name, _, on = command.name.rpartition("_")
        part = command.arguments.get("part")
        value = command.arguments.get(
            "value", command.arguments.get("option", on == "on")
        )
        return VehicleUpdate(
            vehicle_id=vehicle_id,
            groups=(
                ReadingGroup(
                    name="settings",
                    measured_at=self.host.now(),
                    readings={f"{name}:{part}" if part else name: value},
                    complete=False,
                ),
            ),
        )

    def can_stop(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether the engine would be cut."""
        return command.name == "engine_cut_on"

    def restores(self, vehicle_id: str, command: Command) -> bool:
        """Tell whether the engine would be restored."""
        return command.name == "engine_cut_off"

    async def receive_push(self, request: PushRequest) -> PushAnswer:
        """Receive a push: JSON with the id of a vehicle and its battery, or a probe."""
        self.cloud.pushes.append(request)
        if self.cloud.push_status != 200 or not request.body:
            return PushAnswer(status=self.cloud.push_status)
        news = json.loads(request.body)
        self.host.receive(
            [told(news["vehicle"], self.host.now(), battery=news["battery"])]
        )
        return PushAnswer(body={"code": 0}, verified=True)

    async def vehicles_changed(
        self, vehicles: Mapping[str, Mapping[str, object]]
    ) -> None:
        """Note which vehicles are accepted."""
        self.cloud.accepted.append(dict(vehicles))

    async def solve(self, cause: str) -> Mapping[str, object]:
        """Solve a problem by another token."""
        if self.cloud.solve_error is not None:
            raise self.cloud.solve_error
        return {"token": cause}

    def diagnostics(self) -> Mapping[str, object]:
        """Return what the cloud says."""
        return self.cloud.diagnostics

    async def _wait(self) -> None:
        if self.cloud.busy is not None:
            await self.cloud.busy.wait()


class ListeningConnection(NeutralConnection):
    """A connection that is never polled, to a vendor that tells nothing of the past."""

    def __init__(self, settings: Settings, host: Host, cloud: Cloud) -> None:
        """Have no history."""
        super().__init__(settings, host, cloud)
        self.history = None

    async def poll(self) -> PollResult:
        """Tell nothing: all comes by itself."""
        self.cloud.polls += 1
        return PollResult()

    def poll_interval(self) -> None:
        """Return that there is nothing to poll."""
        return


class FilmingConnection(NeutralConnection):
    """A connection to a cloud whose vehicles have cameras."""

    def __init__(self, settings: Settings, host: Host, cloud: Cloud) -> None:
        """Have media."""
        super().__init__(settings, host, cloud)
        self.media = NeutralMedia(cloud)


class NeutralFlow(VendorFlow):
    """Account and password, then a token for pushes."""

    further_forms = ("push",)

    def __init__(self, clouds: Clouds) -> None:
        """Initialize with the clouds of all accounts."""
        self._clouds = clouds

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Return a form."""
        if name:
            return vol.Schema({vol.Optional("token", default=""): str})
        return vol.Schema(
            {
                vol.Required("account", default=defaults.get("account", "")): str,
                vol.Required("password"): str,
            }
        )

    def reauth_form(self) -> vol.Schema:
        """Ask for everything, so that another account can be entered by mistake."""
        return self.form("", {})

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Ask the cloud."""
        name = user_input["account"]
        cloud = self._clouds[name]
        cloud.checks.append(dict(user_input))
        if cloud.check_error is not None:
            raise cloud.check_error
        unique_id = f"{CLOUD}_{cloud.account_name or name}"
        return Account(
            title=name,
            unique_id=unique_id,
            identity=entry.data[CONF_IDENTITY] if entry else unique_id,
            data={"account": name, "password": user_input["password"]},
            options={"token": ""},
            vehicle_ids=frozenset(cloud.fleet),
            memory=dict(cloud.memory),
        )

    def options_form(
        self, entry: ConfigEntry
    ) -> Mapping[OptionSection, Mapping[vol.Marker, Any]]:
        """Ask for the token again."""
        return {OptionSection.PUSH: {vol.Optional("token", default=""): str}}

    def options_error(self, user_input: Input) -> Mapping[str, str]:
        """Refuse a token that is too long."""
        return {"token": "invalid_argument"} if len(user_input["token"]) > 8 else {}


class ListenerFlow(VendorFlow):
    """A port, and vehicles one by one."""

    def __init__(self, clouds: Clouds) -> None:
        """Initialize with the clouds of all accounts."""
        self.vehicles: VehicleFlow | None = NeutralVehicleFlow(clouds)
        self._clouds = clouds

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Ask for a name."""
        return vol.Schema({vol.Required("account"): str})

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Accept any name."""
        identity = f"{LISTENER}_{user_input['account']}"
        return Account(
            title=user_input["account"],
            unique_id=identity,
            identity=entry.data[CONF_IDENTITY] if entry else identity,
            data={"account": user_input["account"]},
        )


class NeutralVehicleFlow(VehicleFlow):
    """Vehicles by their id; the colour can be changed later."""

    def __init__(self, clouds: Clouds) -> None:
        """Initialize with the clouds of all accounts."""
        self._clouds = clouds

    def form(self, defaults: Input) -> vol.Schema:
        """Ask for the id and the colour."""
        return vol.Schema(
            {
                vol.Required("vehicle_id"): str,
                vol.Optional("colour", default="red"): str,
            }
        )

    def accept_form(self) -> vol.Schema | None:
        """Ask for the colour, where the cloud wants it."""
        return self._clouds.accept_form

    def settings_form(self, defaults: Input) -> vol.Schema:
        """Ask for another colour."""
        return vol.Schema({vol.Required("colour", default=defaults["colour"]): str})

    async def async_check(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        user_input: Input,
        connection: Connection | None,
    ) -> AddedVehicle:
        """Ask the cloud. Spaces around an id mean nothing."""
        cloud = self._clouds[entry.data["account"]]
        cloud.checks.append(dict(user_input))
        if cloud.check_error is not None:
            raise cloud.check_error
        vehicle_id = user_input["vehicle_id"].strip()
        return AddedVehicle(
            vehicle_id=vehicle_id,
            title=f"Vehicle {vehicle_id}",
            data={"colour": user_input.get("colour", "red")},
        )


ENTITIES = VendorEntities(
    disabled=frozenset({Reading.CHARGING}),
    sensors=(
        BATTERY,
        # Replaces the common description of the same key.
        FleetSensorDescription(key=Reading.FUEL_LEVEL, native_unit_of_measurement="‰"),
        FleetSensorDescription(key="probe", enabled_parts=2),
        FleetSensorDescription(key="rare", capability="rare"),
    ),
    binary_sensors=(
        FleetBinarySensorDescription(key="sealed", inverted=True),
        FleetBinarySensorDescription(key="wheel"),
    ),
    locks=(
        FleetLockDescription(
            key=Reading.LOCKED,
            capability="lock",
            lock_command="locked_on",
            unlock_command="locked_off",
        ),
    ),
    switches=(
        FleetSwitchDescription(
            key="output",
            capability="output",
            on_command="output_on",
            off_command="output_off",
        ),
        FleetSwitchDescription(
            key="blind",
            capability="blind",
            on_command="blind_on",
            off_command="blind_off",
            assumed_state=True,
        ),
    ),
    numbers=(
        FleetNumberDescription(
            key="upload_interval",
            capability="upload_interval",
            command="upload_interval_set",
            native_min_value=0,
            native_max_value=3600,
            assumed_state=True,
        ),
    ),
    selects=(
        FleetSelectDescription(
            key="mode",
            capability="mode",
            command="mode_set",
            options=["eco", "sport"],
        ),
    ),
    buttons=(
        *engine_buttons("engine_cut_on", "engine_cut_off"),
        FleetButtonDescription(key="beep", capability="beep"),
        FleetButtonDescription(key="restart", capability="restart", command="reboot"),
    ),
    events=(
        FleetEventDescription(
            key=OccurrenceKind.ALARM,
            capability="events",
            types=frozenset(
                {
                    OccurrenceType.CLEARED,
                    OccurrenceType.DOOR_OPENED,
                    OccurrenceType.SOS,
                    OccurrenceType.VIBRATION,
                }
            ),
        ),
        FleetEventDescription(
            key=OccurrenceKind.TRIP,
            types=frozenset({OccurrenceType.TRIP_STARTED, OccurrenceType.TRIP_ENDED}),
        ),
    ),
)


async def _check_echo(
    request: ActionRequest[NeutralConnection],
) -> Mapping[str, VendorError]:
    """Find those that the test says cannot, and refuse a text."""
    cloud = request.connection.cloud
    if request.data["text"] in cloud.refused_texts:
        raise InvalidArgument
    return cloud.unable


async def _echo(request: ActionRequest[NeutralConnection]) -> Outcomes:
    """Return what came for each vehicle."""
    cloud = request.connection.cloud

    async def answer(vehicle_id: str) -> Mapping[str, Any]:
        await request.connection.execute(vehicle_id, Command("echo"))
        if (error := cloud.failing.get(vehicle_id)) is not None:
            raise error
        return {"text": request.data["text"], "polls": cloud.polls}

    return await for_each(request, answer)


async def _ask_account(request: ActionRequest[NeutralConnection]) -> Mapping[str, Any]:
    """Return something of the account."""
    return {
        "polls": request.connection.cloud.polls,
        "vehicles": list(request.vehicle_ids),
    }


ECHO = VendorAction(
    name="neutral_echo",
    effect=ActionEffect.CHANGES,
    fields={vol.Required("text"): vol.All(str, vol.Length(max=5))},
    handler=_echo,
    check=_check_echo,
    response=SupportsResponse.OPTIONAL,
)
TELL = replace(ECHO, name="neutral_tell", effect=ActionEffect.TELLS)
CLOUD_ACTIONS = (
    ECHO,
    TELL,
    replace(ECHO, name="neutral_only_cloud"),
    replace(TELL, name="neutral_tell_cloud"),
    VendorAction(
        name="neutral_ask_account",
        effect=ActionEffect.TELLS,
        fields={},
        handler=_ask_account,
        target=ActionTarget.ACCOUNT,
        response=SupportsResponse.ONLY,
        administrators_only=True,
    ),
    VendorAction(
        name="neutral_tell_account",
        effect=ActionEffect.CHANGES,
        fields={},
        handler=_ask_account,
        target=ActionTarget.ACCOUNT,
        response=SupportsResponse.ONLY,
    ),
)


class Clouds(dict[str, Cloud]):
    """The clouds by the names of their accounts, made when first asked for."""

    accept_form: vol.Schema | None = None

    def __missing__(self, name: str) -> Cloud:
        """Make a cloud."""
        cloud = self[name] = Cloud()
        return cloud

    def connect(self, settings: Settings, host: Host) -> Connection:
        """Return a connection that is polled."""
        return NeutralConnection(settings, host, self[str(settings.data["account"])])

    def listen(self, settings: Settings, host: Host) -> Connection:
        """Return a connection that is not."""
        return ListeningConnection(settings, host, self[str(settings.data["account"])])

    def film(self, settings: Settings, host: Host) -> Connection:
        """Return a connection whose vehicles have cameras."""
        return FilmingConnection(settings, host, self[str(settings.data["account"])])

    def vendors(self) -> dict[str, Vendor]:
        """Return the three vendors."""
        cloud = Vendor(
            key=CLOUD,
            name="Neutral cloud",
            connect=self.connect,
            flow=NeutralFlow(self),
            entities=ENTITIES,
            actions=CLOUD_ACTIONS,
            fixable_problems=frozenset({FIXABLE}),
            pushes=True,
            push_root_paths=(ROOT_PATH,),
        )
        listener = replace(
            cloud,
            key=LISTENER,
            name="Neutral listener",
            connect=self.listen,
            flow=ListenerFlow(self),
            actions=(ECHO, TELL),
            polls=False,
            pushes=False,
            push_root_paths=(),
        )
        filming = replace(
            cloud,
            key=FILMING,
            name="Neutral cameras",
            connect=self.film,
            entities=replace(ENTITIES, cameras=True),
            actions=(),
            fixable_problems=frozenset(),
            pushes=False,
            push_root_paths=(),
        )
        return {CLOUD: cloud, LISTENER: listener, FILMING: filming}


def summary_of(vendor: Vendor) -> VendorSummary:
    """Return what the registry tells of a vendor."""
    told = [field.name for field in fields(ActionSummary)]
    return VendorSummary(
        key=vendor.key,
        name=vendor.name,
        further_forms=vendor.flow.further_forms,
        adds_vehicles=vendor.flow.vehicles is not None,
        push_root_paths=vendor.push_root_paths,
        actions=tuple(
            ActionSummary(**{name: getattr(action, name) for name in told})
            for action in vendor.actions
        ),
    )


def register(monkeypatch: pytest.MonkeyPatch) -> Clouds:
    """Put the three vendors into the registry, wherever that was imported to.

    Their packages are there to be imported, too.
    """
    clouds = Clouds()
    vendors = {}
    package = f"custom_components.{DOMAIN}"
    for key, vendor in clouds.vendors().items():
        vendors[key] = summary_of(vendor)
        module = ModuleType(f"{package}.vendors.{key}")
        module.__dict__["VENDOR"] = vendor
        monkeypatch.setitem(sys.modules, module.__name__, module)
    registry = sys.modules[f"{package}.vendors"].VENDORS
    for name, module in list(sys.modules.items()):
        if name.startswith(package) and hasattr(module, "VENDORS"):
            monkeypatch.setattr(
                module, "VENDORS", MappingProxyType({**registry, **vendors})
            )
    for step, function in config_flow.vendor_steps(vendors.values()):
        monkeypatch.setattr(
            config_flow.FleetTrackerConfigFlow, step, function, raising=False
        )
    for step, choice in options_flow.options_steps(vendors.values()):
        monkeypatch.setattr(
            options_flow.FleetTrackerOptionsFlow, step, choice, raising=False
        )
    return clouds
