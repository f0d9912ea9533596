"""A tracker's messages as news of its vehicle ("FlexAPI Over TCP" 3.1, 3.3, 4.2)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
import re
from types import MappingProxyType

from ...model.evidence import speed_told_apart, told_speed
from ...model.json_values import Json, as_integer, as_kmh, as_number
from ...model.record import replace
from ...model.vehicle import (
    FixKind,
    Position,
    Reading,
    ReadingGroup,
    TimeSource,
    Value,
    VehicleDetails,
    VehicleUpdate,
    accuracy_m,
    part_of,
    reading_parts,
)
from .parameters import (
    CELLULAR,
    GNSS,
    HOME_GROUPS,
    IO,
    NO_POSITION,
    OBD,
    PARAMETERS,
    POSITION_PARAMETERS,
    STRENGTHS,
    TIME_PARAMETERS,
    TOPIC_GROUPS,
    UPLOADED_GROUPS,
    VEHICLE,
    Parameter,
)
from .topics import CLIENT_TOKEN
from .values import Reader, as_date_and_time, as_shown_text, as_time, number
from .vocabulary import Vt3Reading

MANUFACTURER = "InHand Networks"
MODEL = "VT3"
KMH_PER_KNOT = 1.852
SETTINGS = "settings"
"""The group of readings that tell how the tracker is set up."""

# Names that trackers gave out of the box to parameters of the GNSS group.
_KNOWN_ALIASES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {GNSS: {"time": "gnss.ts", "lat": "gnss.latitude", "log": "gnss.longitude"}}
)
# The parameters of names that are the same for all trackers.
_DOCUMENTED_KEYS: Mapping[str, str] = MappingProxyType(
    {key: key for key in (*PARAMETERS, *POSITION_PARAMETERS, *TIME_PARAMETERS)}
)
_KEYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        group: {**_DOCUMENTED_KEYS, **aliases}
        for group, aliases in _KNOWN_ALIASES.items()
    }
)
_PARAMETERS = dict(PARAMETERS)
_STAMPS: Mapping[str, tuple[str, ...]] = {
    f"{prefix}.ts": (OBD, VEHICLE) if home == OBD else (home,)
    for prefix, home in HOME_GROUPS.items()
}
"""The groups of readings that each stamp is the time of."""
_ALL_KNOWN: frozenset[str] = frozenset()
_USER_DATA = "userdata."
_MOST_CUSTOM = 256  # 8 groups of 32 items (2.3)
_MOST_UNKNOWN = 100
_KEY = re.compile(r"(?=.{1,64}$)\w+(\.\w+)*", re.ASCII)

_latitude, _longitude = number(-90, 90), number(-180, 180)
_altitude = number(-1_000, 20_000)
_course, _accuracy = number(0, 360), number(0.001, 100_000)
_FASTEST_KMH = 1_000
_HARDLY_BEHIND = timedelta(seconds=10)
"""Within it a tracker's clock is right: it tells whole seconds, and is under way."""
_STILL_TRUE = timedelta(minutes=1)
"""How long the other values of a position hold for positions without them."""


class Mapper:
    """Turns the messages of one tracker into news, by the names that it gives to values."""

    def __init__(self, serial: str, *, knots: bool = False) -> None:
        """Initialize with the unit of the tracker's GNSS speed: km/h, or knots."""
        self.serial = serial
        self.aliases: dict[str, Mapping[str, str]] = {}
        """By group: the parameter of each name."""
        self.cutting_outputs: frozenset[str] = frozenset()
        """The numbers of the outputs that stop the vehicle."""
        self.unknown: Counter[str] = Counter()
        """Names that are not understood, and how often they came."""
        self.strange_groups: set[str] = set()
        """Reserved groups with foreign names, which must be aliases set by others."""
        self.outputs: set[str] = set()
        """The numbers of the outputs that the tracker has shown."""
        self.unit_is_proven = False
        """Whether comparison has shown that the unit of the GNSS speed is right."""
        self.fix_with_speed: Position | None = None
        """The last position that came with a speed of its own."""
        self._gnss_fix: Position | None = None
        # The tracker's time and ours when it last told a position on demand.
        self._answer: tuple[datetime, datetime] | None = None
        self._behind: timedelta | None = None
        self._factor = KMH_PER_KNOT if knots else 1
        self._custom: set[str] = set()

    # --- names --------------------------------------------------------------------------

    def learn(self, group: str, interest: Mapping[str, Json]) -> None:
        """Learn which parameters a group uploads, and under which names (3.2.1)."""
        self.aliases[group] = {
            alias if isinstance(alias, str) and alias else key: key
            for key, alias in interest.items()
            if _KEY.fullmatch(key)
        }
        self.strange_groups.discard(group)

    def _named(self, group: str, values: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the values under the names of the document."""
        learned = self.aliases.get(group, {})
        if not learned:
            if values.keys() <= _DOCUMENTED_KEYS.keys():
                return values
            keys = _KEYS.get(group, _DOCUMENTED_KEYS)
            named = {keys[name]: one for name, one in values.items() if name in keys}
            if len(named) == len(values):
                return named
        known = _KNOWN_ALIASES.get(group, {})
        named = {}
        for name, value in values.items():
            key = learned.get(name) or (known.get(name, name))
            if (
                key in PARAMETERS
                or key in POSITION_PARAMETERS
                or key in TIME_PARAMETERS
                or (key.startswith(_USER_DATA) and _KEY.fullmatch(key))
                or name in learned
            ):
                named[key] = value
            elif key != CLIENT_TOKEN:
                self._count_unknown(group, key)
        return named

    def _count_unknown(self, group: str, key: str) -> None:
        prefix = key.partition(".")[0]
        if group in UPLOADED_GROUPS and prefix not in HOME_GROUPS:
            self.strange_groups.add(group)
        name = f"{group}/{key if _KEY.fullmatch(key) else '(no name)'}"
        if name in self.unknown or len(self.unknown) < _MOST_UNKNOWN:
            self.unknown[name] += 1

    # --- values -------------------------------------------------------------------------

    def map_values(
        self,
        group: str,
        values: Mapping[str, Json],
        now: datetime,
        *,
        measured_at: datetime | None = None,
        complete: bool = False,
        contact_interval: timedelta | None = None,
    ) -> VehicleUpdate:
        """Return the news in the values of a group.

        ``measured_at`` is when the values without a time of their own are from, ``complete``
        that what a reserved group does not list is not known: an upload, not an answer.
        ``contact_interval`` is how often the tracker speaks by itself, if it did.
        """
        is_answer = not complete and measured_at is None
        complete = complete and group in TOPIC_GROUPS
        group = TOPIC_GROUPS.get(group, group)
        named = self._named(group, values)
        times = _times_in(named)
        readings: dict[str, dict[str, Value]] = {group: {}} if complete else {}
        not_known: dict[str, set[str]] = {}
        for key, value in named.items():
            parameter = _PARAMETERS.get(key)
            if parameter is None:
                self._add_custom(readings, key, value)
                continue
            home = parameter.group
            if value is None and not parameter.is_slow:
                readings.setdefault(home, {})
                not_known.setdefault(home, set()).add(parameter.reading)
                continue
            reading = parameter.read(value)
            if reading is None or (
                parameter.idle is not None and _says_nothing(parameter, value, named)
            ):
                continue
            if (found := readings.get(home)) is None:
                found = readings[home] = {}
            if parameter.output is None:
                found[parameter.reading] = reading
            else:
                self.outputs.add(parameter.output)
                found[self.output_reading(parameter.output)] = reading
        default, source = measured_at, TimeSource.TRACKER
        if default is None:
            default = self._time_by_its_clock(times, now)
            source = TimeSource.ESTIMATED
        position = self._position(
            group, named, times, default, source, now, is_answer=is_answer
        )
        return VehicleUpdate(
            vehicle_id=self.serial,
            position=position,
            fix_stamp=times.get(GNSS)
            if position is not None and position.time_source is not TimeSource.TRACKER
            else None,
            groups=(
                *[
                    ReadingGroup(
                        name=name,
                        measured_at=times.get(name, default),
                        readings=found,
                        complete=complete and name == group,
                        time_source=TimeSource.TRACKER if name in times else source,
                        not_known=frozenset(
                            self.rename_outputs(dict.fromkeys(not_known[name], 0))
                        )
                        if name in not_known
                        else _ALL_KNOWN,
                    )
                    for name, found in readings.items()
                ],
                *self._most_speed(values, named, times, position, now),
            ),
            heard_at=now,
            heard_source=TimeSource.OURS,
            contact_interval=contact_interval,
        )

    def _most_speed(
        self,
        values: Mapping[str, Json],
        named: Mapping[str, Json],
        times: Mapping[str, datetime],
        position: Position | None,
        now: datetime,
    ) -> tuple[ReadingGroup, ...]:
        """Return the most that a speed can mean: a unit not proven is knots.

        A name that others gave to a speed is not known, and it speaks for itself.
        """
        speed = as_kmh(named.get("gnss.speed"))
        if speed is not None:
            speed *= self._factor if self.unit_is_proven else KMH_PER_KNOT
        if len(named) < len(values):
            foreign = speed_told_apart(
                {name: one for name, one in values.items() if name not in named}
            )
            if foreign is not None:
                speed = max(speed or 0, foreign * KMH_PER_KNOT)
        if speed is None:
            return ()
        if not 0 <= speed <= _FASTEST_KMH * KMH_PER_KNOT:
            return ()
        if position is not None:
            return told_speed(speed, position.fixed_at, position.time_source)
        told = times.get(GNSS) or as_date_and_time(
            named.get("gnss.date"), named.get("gnss.time")
        )
        source = TimeSource.OURS if told is None else TimeSource.TRACKER
        return told_speed(speed, told or now, source)

    def _time_by_its_clock(
        self, times: Mapping[str, datetime], now: datetime
    ) -> datetime:
        """Return what the tracker's clock shows now, in whole seconds as it tells it.

        Answers to refresh lack the time (3.3). Our clock cannot stand in for it: if the
        tracker's clock is behind, such an answer would seem newer than all that follows; if
        it is ahead, older than all that came before.
        """
        for time in times.values():
            behind = now - time
            if self._behind is None or behind < self._behind:
                self._behind = behind
        return (now - (self._behind or timedelta())).replace(microsecond=0)

    def rename_outputs(self, readings: Mapping[str, Value]) -> dict[str, Value]:
        """Return readings with outputs called as they are marked now."""
        renamed = {}
        for reading, value in readings.items():
            kind, part = reading_parts(reading)
            is_output = kind in (Vt3Reading.OUTPUT, Reading.ENGINE_CUT)
            renamed[self.output_reading(part) if is_output else reading] = value
        return renamed

    def output_reading(self, part: str) -> str:
        """Return the reading of an output, another one if it stops the vehicle."""
        kind = Reading.ENGINE_CUT if part in self.cutting_outputs else Vt3Reading.OUTPUT
        return part_of(kind, part)

    def _add_custom(
        self, readings: dict[str, dict[str, Value]], key: str, value: Json
    ) -> None:
        """Add a value that the document does not know, but the tracker's settings do."""
        if key in POSITION_PARAMETERS or key in TIME_PARAMETERS:
            return
        # Values of the position are no readings, whatever their names.
        full = key not in self._custom and len(self._custom) >= _MOST_CUSTOM
        if key.startswith("gnss.") or full:
            self._count_unknown(Vt3Reading.CUSTOM, key)
            return
        found = _custom_value(value)
        if found is None:
            return
        self._custom.add(key)
        readings.setdefault(Vt3Reading.CUSTOM, {})[part_of(Vt3Reading.CUSTOM, key)] = (
            found
        )

    def _position(
        self,
        group: str,
        named: Mapping[str, Json],
        times: Mapping[str, datetime],
        default: datetime,
        source: TimeSource,
        now: datetime,
        *,
        is_answer: bool,
    ) -> Position | None:
        """Return where the tracker is; ``is_answer`` says that it told that on demand."""
        if "gnss.latitude" not in named:
            return None
        latitude = _float(_latitude, named.get("gnss.latitude"))
        longitude = _float(_longitude, named.get("gnss.longitude"))
        fix = PARAMETERS["gnss.fix"].read(named.get("gnss.fix"))
        if latitude is None or longitude is None or fix in NO_POSITION:
            return None
        if latitude == 0 and longitude == 0:
            return None
        speed = as_number(named.get("gnss.speed"))
        if speed is not None:
            speed *= self._factor
        course = _float(_course, named.get("gnss.heading"))
        fixed_at, source = self._fixed_at(
            named, times, default, source, now, is_answer=is_answer
        )
        position = Position(
            latitude=latitude,
            longitude=longitude,
            accuracy=accuracy_m(
                FixKind.SATELLITE,
                reported=_float(_accuracy, named.get("gnss.hacc")),
                hdop=_float(PARAMETERS["gnss.hdop"].read, named.get("gnss.hdop")),
            ),
            fixed_at=fixed_at,
            time_source=source,
            altitude=_float(_altitude, named.get("gnss.altitude")),
            course=None if course is None else course % 360,
            speed=speed if speed is not None and 0 <= speed <= _FASTEST_KMH else None,
        )
        if group == GNSS:
            self._gnss_fix = position
        else:
            position = self._completed(position, named)
        if "gnss.speed" in named:
            self.fix_with_speed = position
        return position

    def _fixed_at(
        self,
        named: Mapping[str, Json],
        times: Mapping[str, datetime],
        default: datetime,
        source: TimeSource,
        now: datetime,
        *,
        is_answer: bool,
    ) -> tuple[datetime, TimeSource]:
        """Return when a position was found, and by which clock.

        On demand it is fresh, and has the satellites' time (3.3.3). A later position
        is as much later as the tracker's own clock says, though that may be behind.
        """
        told = times.get(GNSS)
        by_satellites = as_date_and_time(named.get("gnss.date"), named.get("gnss.time"))
        if told is not None:
            source = TimeSource.TRACKER
        elif by_satellites is not None:
            # Not by its own clock, and as right as the server's would be.
            told, source = by_satellites, TimeSource.SERVER
        if is_answer:
            if told is None:
                told, source = now, TimeSource.OURS
            self._answer = None if source is TimeSource.TRACKER else (default, told)
            return told, source
        told = told or default
        if self._answer is not None and told >= self._answer[0]:
            by_its_clock, fixed_at = self._answer
            behind = fixed_at - by_its_clock
            likely = fixed_at + (told - by_its_clock)
            if behind <= _HARDLY_BEHIND:
                if told < fixed_at:
                    return fixed_at, TimeSource.OURS
            elif likely <= now + behind / 2:
                return likely, TimeSource.OURS
            else:
                # The clock was set since.
                self._answer = None
        return told, source

    def _completed(self, position: Position, named: Mapping[str, Json]) -> Position:
        """Return a position of a custom group, completed with the last known values.

        The group of 4.1.1 has no speed, and would take the known speed away.
        """
        last = self._gnss_fix
        if (
            last is None
            or not timedelta() <= position.fixed_at - last.fixed_at <= _STILL_TRUE
        ):
            return position
        has_accuracy = not named.keys().isdisjoint(("gnss.hacc", "gnss.hdop"))
        return replace(
            position,
            accuracy=position.accuracy if has_accuracy else last.accuracy,
            altitude=position.altitude if "gnss.altitude" in named else last.altitude,
            course=position.course if "gnss.heading" in named else last.course,
            speed=position.speed if "gnss.speed" in named else last.speed,
        )

    # --- settings -----------------------------------------------------------------------

    def map_interval(
        self, group: str, interval: object, now: datetime
    ) -> VehicleUpdate:
        """Return that a group is uploaded every so many seconds, 0 for never."""
        seconds = as_integer(interval)
        known = (
            {}
            if seconds is None
            else {part_of(Vt3Reading.UPLOAD_INTERVAL, group): seconds}
        )
        return VehicleUpdate(
            vehicle_id=self.serial,
            groups=(
                ReadingGroup(
                    name=SETTINGS,
                    measured_at=now,
                    readings=known,
                    complete=False,
                    time_source=TimeSource.OURS,
                ),
            ),
        )


def map_details(
    name: str, serial: str, known: VehicleDetails | None, values: Mapping[str, Json]
) -> VehicleDetails:
    """Return what the device page shows, from the system parameters (A.6) if there are."""
    model = as_shown_text(values.get("sysinfo.model_name"))
    firmware = as_shown_text(values.get("sysinfo.firmware_version"))
    hardware = as_shown_text(values.get("sysinfo.product_number"))
    return VehicleDetails(
        name=name,
        manufacturer=MANUFACTURER,
        model=model or (known.model if known else None) or MODEL,
        serial_number=serial,
        sw_version=firmware or (known.sw_version if known else None),
        hw_version=hardware or (known.hw_version if known else None),
    )


def io_name(output: int, *, with_zero: bool) -> str:
    """Return the parameter of an output, spelled with a letter or, as in 3.4.1, a zero."""
    return f"{IO}.D{'0' if with_zero else 'O'}{output}"


def _says_nothing(parameter: Parameter, value: Json, named: Mapping[str, Json]) -> bool:
    """Tell whether a value stands for none: the engine is off, or nothing is received."""
    if as_number(value) != parameter.idle:
        return False
    if parameter.group == CELLULAR:
        return any(as_number(named.get(key)) == 0 for key in STRENGTHS)
    return not as_number(named.get("obd.rpm"))


def _times_in(named: Mapping[str, Json]) -> dict[str, datetime]:
    """Return when the values of each group are from, by the tracker's own clock."""
    times: dict[str, datetime] = {}
    for name, groups in _STAMPS.items():
        if name in named and (time := as_time(named[name])) is not None:
            for group in groups:
                times.setdefault(group, time)
    return times


def _custom_value(value: Json) -> Value | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return as_number(value)
    return as_shown_text(value)


def _float(read: Reader, value: object) -> float | None:
    found = read(value)
    return found if isinstance(found, float) else None
