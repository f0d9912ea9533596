"""The fold: finds trips in a vehicle's moments, one after the other in the order of time.

Place and time decide, the ignition helps and is distrusted. The state after some moments
depends on nothing but these, so that it can be folded anew from any earlier state.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
from statistics import median

from ..record import record, replace
from .drive import LEAST_AWAY_M, MOVING_KMH, STRAY_M, TOP_KMH, Drive, Place
from .moments import (
    LOCKED,
    NO_ODOMETER,
    NO_PLACE,
    OFF,
    ON,
    UNKNOWN,
    UNLOCKED,
    Moment,
    metres,
)
from .trip import DistanceSource, FoundTrip, TripFlag, spread

HOLD_M = 50.0
HOLD_AT_MOST_M = 100.0
FLICKER_S = 30.0
"""An ignition that is off for less was never off."""
KEY_ON_STAND_S = 600.0
NO_KEY_STAND_S = 300.0
CARRIED_STAND_S = 300.0
KEY_BELONGS_S = 600.0
"""A turned key is the begin or end of a drive that begins or ended so soon."""
GAP_S = 180.0
GAP_INTERVALS = 3
STOOD_M = 150.0
STOOD_KMH = 3.0
LEAST_WAY_M = 200.0
CARRIED_M = 150.0
KEY_LATE_S = 120.0
"""A key may be told on so long after the start of a drive."""
IDLE_PIECE_S = 60.0
ESTIMATED_KMH = 30.0
STRAY_KMH = 80.0
SILENCE_S = 1800.0
"""A drive that is not heard of for so long is told as ended."""
LONG_STAND_S = 7200.0
LONG_STANDS = 2
CLEAN_CYCLES = 3
OFF_DRIVE_M = 2000.0
OFF_DAYS = 3
INTERVAL_S = 30.0
INTERVALS_KNOWN = 3
INTERVALS_KEPT = 9
COARSE_ODOMETER_M = 100
ODOMETER_STEPS = 50
_DEGREE = 1e-7


@record(frozen=True, slots=True, kw_only=True)
class TripSettings:
    """How trips of a vehicle are found.

    ``min_stop_s`` is for how long it stands with the key off until a trip has ended.
    ``interval_s`` is how often it sends a fix on the way, where that is known.
    ``ignition_usable`` says so once and for all; None: it is learned.
    """

    min_stop_s: float = 180.0
    interval_s: float | None = None
    ignition_usable: bool | None = None


@record(frozen=True, slots=True)
class Towing:
    """A time of being carried with the key off: Unix seconds."""

    begin: float
    told_at: float


@dataclass(slots=True)
class Fold:
    """The state after some moments. Whoever wants another one copies it before."""

    place: Place | None = None
    drive: Drive | None = None
    """None while it is parked at the place."""
    outside: Moment | None = None
    """A single fix outside of the place, which the next one has to confirm."""
    last: Moment | None = None
    """The last fix."""
    heard_at: float = 0.0
    key: bool | None = None
    key_since: float = 0.0
    key_on_before: float | None = None
    """Since when the key was on before it went off, in case it never did."""
    is_key_doubtful: bool = False
    """Whether it was told off or locked at speed, which the next fix decides."""
    locked: bool | None = None
    locked_since: float = 0.0
    odometer: int = NO_ODOMETER
    odometer_step: int = 0
    """What divides all readings of the odometer; 0 before the first."""
    is_odometer_coarse: bool = False
    """Whether it stood still over a step that was longer than what it counts in."""
    parked_odometer: int = NO_ODOMETER
    """What it last said at the place of the last stop."""
    intervals: tuple[float, ...] = ()
    ended_at: float = 0.0
    """The end of the last trip: none begins before."""
    long_stands: int = 0
    off_days: tuple[int, ...] = ()
    clean_cycles: int = 0
    is_key_unusable: bool = False
    closed: tuple[FoundTrip, ...] = ()
    """The trips that ended in these moments."""
    towings: tuple[Towing, ...] = ()

    def copy(self) -> Fold:
        """Return a state that may change on its own."""
        copied = replace(self)
        if self.place is not None:
            copied.place = replace(self.place)
        if self.drive is not None:
            copied.drive = replace(self.drive)
        return copied

    # --- one moment after the other ---------------------------------------------------------

    def add(self, moment: Moment, settings: TripSettings) -> None:
        """Take the next moment, which is later than all before."""
        at = moment.at_ms / 1000
        fast = moment.speed != UNKNOWN and moment.speed >= MOVING_KMH * 10
        if self.is_key_doubtful and moment.latitude != NO_PLACE:
            self.is_key_doubtful = False
            if fast and self.key is None:
                # Nobody locks what is ridden.
                self.locked = False
            elif fast:
                # It was driving on both sides: the wire is loose.
                self.key, self.key_since = True, self.key_on_before or self.key_since
        drive = self.drive
        if drive is not None and self._stops_by_key(at, settings):
            if (
                self._went_on_unheard(moment)
                and self.key is False
                and self._may_reach(moment, self.key_since)
            ):
                self._arrive(moment, self.key_since, at)
            self._stop(settings)
        if moment.odometer != NO_ODOMETER:
            self._add_odometer(moment.odometer)
            if drive is None and moment.latitude == NO_PLACE and self.outside is None:
                self.parked_odometer = self.odometer
        if moment.latitude != NO_PLACE:
            self._add_fix(moment, at, settings, fast=fast)
            self._watch_odometer(moment)
            self.last = moment
        if moment.told:
            self._add_key(moment, at, settings)
        self.heard_at = at
        if self.drive is not None:
            if self._stops_by_key(at, settings):
                self._stop(settings)
            else:
                self._judge_carried(at)

    def _usable_key(self, settings: TripSettings) -> bool | None:
        """Return the key as far as it is trusted: None, off, or on.

        A lock stands in for it where there is none: locked is off, unlocked says nothing.
        """
        usable = (
            not self.is_key_unusable
            if settings.ignition_usable is None
            else settings.ignition_usable
        )
        if self.key is not None:
            return self.key if usable else None
        return False if self.locked else None

    @property
    def _may_be_off(self) -> bool:
        """Whether the key or the lock says that it is off, trusted or not."""
        return not self.key if self.key is not None else bool(self.locked)

    def _off_since(self) -> float:
        return self.locked_since if self.key is None else self.key_since

    def interval(self, settings: TripSettings) -> float:
        """Return how often it sends a fix on the way, in seconds."""
        if settings.interval_s is not None:
            return settings.interval_s
        if len(self.intervals) < INTERVALS_KNOWN:
            return INTERVAL_S
        return median(self.intervals)

    def _gap(self, settings: TripSettings) -> float:
        return max(GAP_S, GAP_INTERVALS * self.interval(settings))

    # --- the key ----------------------------------------------------------------------------

    def _add_key(self, moment: Moment, at: float, settings: TripSettings) -> None:
        told = moment.told
        if (
            told & (OFF | LOCKED)
            and self.outside is not None
            and self.outside.at_ms == moment.at_ms
            and self.drive is not None
            and self._usable_key(settings) is not False
            and (moment.speed == UNKNOWN or moment.speed < MOVING_KMH * 10)
        ):
            # Where the key is turned off it has arrived.
            self._leave(self.outside, settings)
        if told & (LOCKED | UNLOCKED):
            locked = bool(told & LOCKED)
            if told & LOCKED and told & UNLOCKED:
                locked = self.locked is False
            if locked != self.locked:
                if self.key is None:
                    self.is_key_doubtful = locked and self._was_driving()
                self.locked, self.locked_since = locked, at
        if not told & (ON | OFF):
            return
        on = bool(told & ON)
        if told & ON and told & OFF:
            on = self.key is not True
        if on == self.key:
            return
        if on:
            self._turn_on(at, settings)
        else:
            self.key_on_before = self.key_since if self.key else None
            self.is_key_doubtful = self.key is True and self._was_driving()
            self.key, self.key_since = False, at

    def _was_driving(self) -> bool:
        """Tell whether the last fix said that it drives."""
        last = self.last
        return (
            self.drive is not None
            and last is not None
            and last.speed != UNKNOWN
            and last.speed >= MOVING_KMH * 10
        )

    def _turn_on(self, at: float, settings: TripSettings) -> None:
        off_for = at - self.key_since
        if self.key is False and self.key_on_before is not None and off_for < FLICKER_S:
            self.key, self.key_since = True, self.key_on_before
            return
        if self.key is False:
            self.long_stands = 0
            if self.is_key_unusable:
                self.clean_cycles += 1
                if self.clean_cycles >= CLEAN_CYCLES:
                    self.is_key_unusable, self.clean_cycles = False, 0
                    self.off_days = ()
            if self.place is not None:
                self.place.off_s += max(0.0, at - max(self.key_since, self.place.since))
        was_off = self.key is False
        self.key, self.key_since, self.is_key_doubtful = True, at, False
        drive = self.drive
        if was_off and drive is not None and drive.carried_since is not None:
            if not drive.is_towed and at - drive.carried_since <= KEY_LATE_S:
                drive.carried_since = None
            else:
                self._end_carried(at)

    # --- fixes ------------------------------------------------------------------------------

    def _add_fix(
        self, fix: Moment, at: float, settings: TripSettings, *, fast: bool
    ) -> None:
        place, last = self.place, self.last
        if place is None or last is None:
            self.place = Place(fix.latitude, fix.longitude, at, at)
            self.parked_odometer = self.odometer
            return
        last_at = last.at_ms / 1000
        was_fast = last.speed != UNKNOWN and last.speed >= MOVING_KMH * 10
        away = metres(place.latitude, place.longitude, fix.latitude, fix.longitude)
        if fast and was_fast and away > HOLD_M and at - last_at <= SILENCE_S:
            self.intervals = (*self.intervals, at - last_at)[-INTERVALS_KEPT:]
        hold = HOLD_M
        if (accuracy := fix.accuracy) is not None and accuracy > HOLD_M:
            hold = min(float(accuracy), HOLD_AT_MOST_M)
        if away <= hold and not (fast and was_fast and self.drive is not None):
            self._stay(place, at, settings, fast=fast)
            return
        if at - last_at > GAP_S and at - last_at > self._gap(settings):
            step = metres(last.latitude, last.longitude, fix.latitude, fix.longitude)
            if step <= STOOD_M:
                if self.outside is not None:
                    self._leave(self.outside, settings)
                if (place := self.place) is not None:
                    if self.drive is not None:
                        self.drive.stand_at(place, fix)
                    place.latitude, place.longitude = fix.latitude, fix.longitude
                    self._stay(place, at, settings, fast=fast)
                return
        outside = self.outside
        if outside is not None and self._is_stray(outside, fix):
            outside = self.outside = None
        if outside is not None:
            self._leave(outside, settings)
            self._add_fix(fix, at, settings, fast=fast)
            return
        if (
            self.drive is None
            or place.until - place.since >= IDLE_PIECE_S
            or self._is_too_fast(place, place.until, fix, (fix.speed,))
        ):
            self.outside = fix
        else:
            self._leave(fix, settings, away)

    def _is_too_fast(
        self,
        since: Place | Moment,
        since_at: float,
        fix: Moment,
        speeds: tuple[int, ...],
    ) -> bool:
        """Tell whether it hardly got from a place to a fix, by the speeds that it told."""
        step = metres(since.latitude, since.longitude, fix.latitude, fix.longitude)
        if step <= STRAY_M:
            return False
        if self.drive is not None:
            speeds = (*speeds, self.drive.seen_speed)
        told = [one / 10 for one in speeds if one != UNKNOWN]
        most = max(STRAY_KMH, 1.5 * max(told) + 30) if told else TOP_KMH
        return step > (fix.at_ms / 1000 - since_at) * most / 3.6

    def _is_stray(self, fix: Moment, behind: Moment) -> bool:
        """Tell whether a fix is far away from where it was before, and from the next one."""
        place = self.place
        if place is None:
            return False
        speeds = (fix.speed, behind.speed)
        return (
            self._is_too_fast(place, place.until, fix, speeds)
            and self._is_too_fast(fix, fix.at_ms / 1000, behind, speeds)
            and not self._is_too_fast(place, place.until, behind, speeds)
        )

    def _stay(
        self, place: Place, at: float, settings: TripSettings, *, fast: bool
    ) -> None:
        """Note that it is still at the place."""
        self.outside = None
        place.until = at
        stood = at - place.since
        if self.drive is not None:
            if self._stops_by_standing(stood, settings):
                self._stop(settings)
            return
        if not fast:
            # At speed it is about to leave, and its first metres count.
            self.parked_odometer = self.odometer
        if (
            stood >= LONG_STAND_S
            and not place.is_counted
            and self.key
            and self.key_since <= place.since
        ):
            place.is_counted = True
            self.long_stands += 1
            if self.long_stands >= LONG_STANDS:
                self.is_key_unusable, self.clean_cycles = True, 0

    def _leave(
        self, fix: Moment, settings: TripSettings, step: float | None = None
    ) -> None:
        """Note that it moved from the place to that of a fix, by a way in m if known."""
        place = self.place
        if place is None:
            return
        at = fix.at_ms / 1000
        self.outside = None
        if step is None:
            step = metres(place.latitude, place.longitude, fix.latitude, fix.longitude)
        waited = at - place.until
        is_gap = waited > GAP_S and waited > self._gap(settings)
        speed = ESTIMATED_KMH
        if fix.speed != UNKNOWN and fix.speed > 10 * ESTIMATED_KMH:
            speed = fix.speed / 10
        on_the_way = step / speed * 3.6
        was_off = (
            self._may_be_off
            and self._usable_key(settings) is False
            and self._off_since() < at
        )
        stood_on = is_gap and step < waited * STOOD_KMH / 3.6
        was_on = not was_off and self._usable_key(settings) is not None
        if stood_on and self._went_on_unheard(fix, was_on=was_on):
            self._arrive(fix, place.until + on_the_way, at)
            if self._stops_by_standing(waited - on_the_way, settings):
                self._stop(settings)
            return
        if stood_on:
            # It stood for most of the silence, and drove then.
            if self.drive is not None and self._stops_by_standing(
                at - on_the_way - place.since, settings
            ):
                self._stop(settings)
        drive = self.drive
        odometer = self.odometer
        if drive is None:
            if was_off and is_gap and self._add_unheard(place, fix, step):
                return
            odometer = self.parked_odometer
            drive = self._start(place, fix, settings, on_the_way, is_estimated=waited)
        else:
            idle = place.until - place.since - place.off_s
            if self.key is False:
                idle -= max(0.0, place.until - max(self.key_since, place.since))
            if idle >= IDLE_PIECE_S:
                drive.idle_s += idle
            if is_gap:
                drive.gap_s += waited
                drive.gap_m += step
        if was_off and drive.carried_since is None and not drive.drives_with_key_off:
            drive.carried_since = at
            drive.carried_way, drive.carried_fixes = drive.way, 0
            drive.carried_odometer = odometer
            drive.carried_latitude = place.latitude
            drive.carried_longitude = place.longitude
            drive.stopped_at = max(self._off_since(), place.since)
        if drive.latitude != place.latitude or drive.longitude != place.longitude:
            step = metres(drive.latitude, drive.longitude, fix.latitude, fix.longitude)
        drive.count(fix, at, step)
        self.place = Place(fix.latitude, fix.longitude, at, at)

    def _went_on_unheard(self, fix: Moment, *, was_on: bool = False) -> bool:
        """Tell whether it was last heard of on the way, and stands at a fix now.

        So it drove on in between, or was carried on, and stood then. It was on the way at speed, and for less
        than a minute with the key on, such as at a light.
        """
        drive, place = self.drive, self.place
        return (
            drive is not None
            and place is not None
            and self.outside is None
            and (
                (
                    place.since == place.until == drive.seen_at
                    and MOVING_KMH * 10 <= drive.seen_speed != UNKNOWN
                )
                or (
                    was_on
                    and drive.carried_since is None
                    and place.until - place.since < IDLE_PIECE_S
                )
            )
            and fix.has_place
            and self._is_slow(fix)
            and metres(place.latitude, place.longitude, fix.latitude, fix.longitude)
            > HOLD_AT_MOST_M
        )

    def _may_reach(self, fix: Moment, at: float) -> bool:
        """Tell whether it can be at a fix by a time after the last place."""
        place = self.place
        return place is not None and metres(
            place.latitude, place.longitude, fix.latitude, fix.longitude
        ) <= (at - place.until) * (TOP_KMH / 3.6)

    def _arrive(self, fix: Moment, arrived: float, at: float) -> None:
        """Note that it drove unheard to the place of a fix, and stands there since."""
        drive, place = self.drive, self.place
        if drive is None or place is None:
            return
        if arrived - place.until > GAP_S:
            drive.gap_s += arrived - place.until
            drive.gap_m += metres(
                place.latitude, place.longitude, fix.latitude, fix.longitude
            )
        if fix.odometer != NO_ODOMETER:
            self._add_odometer(fix.odometer)
        step = metres(drive.latitude, drive.longitude, fix.latitude, fix.longitude)
        drive.count(fix, arrived, step)
        self.place = Place(fix.latitude, fix.longitude, arrived, at)

    def _start(
        self,
        place: Place,
        fix: Moment,
        settings: TripSettings,
        on_the_way: float,
        *,
        is_estimated: float,
    ) -> Drive:
        """Begin a drive at a place, with its first fix elsewhere."""
        at = fix.at_ms / 1000
        begin, estimated = place.until, False
        if (
            self._usable_key(settings)
            and self.key_since < at
            and at - self.key_since <= KEY_BELONGS_S
        ):
            begin = min(self.key_since, at)
        elif is_estimated > GAP_INTERVALS * self.interval(settings):
            begin, estimated = max(begin, at - on_the_way), True
        begin = max(begin, self.ended_at)
        idle = place.until - begin
        self.drive = drive = Drive(
            begin=begin,
            begin_latitude=place.latitude,
            begin_longitude=place.longitude,
            latitude=place.latitude,
            longitude=place.longitude,
            at=max(begin, place.until),
            is_estimated=estimated,
            idle_s=idle if idle >= IDLE_PIECE_S else 0.0,
            odometer=self.parked_odometer,
        )
        if estimated:
            drive.unheard_since = place.until
            drive.unheard_m = metres(
                place.latitude, place.longitude, fix.latitude, fix.longitude
            )
        return drive

    def _add_odometer(self, told: int) -> None:
        held = self.odometer
        self.odometer_step = math.gcd(self.odometer_step, told)
        if held != NO_ODOMETER and told < held:
            if held - told <= COARSE_ODOMETER_M:
                return
            if self.drive is not None:
                self.drive.odometer_fell = True
            self.parked_odometer = NO_ODOMETER
        self.odometer = told

    def _watch_odometer(self, fix: Moment) -> None:
        """Note that an odometer counts in long steps: it stood still over a shorter one."""
        last = self.last
        if (
            last is not None
            and fix.odometer == last.odometer != NO_ODOMETER
            and self.odometer_step > COARSE_ODOMETER_M
            and not self.is_odometer_coarse
            and self.key is not False
            and metres(last.latitude, last.longitude, fix.latitude, fix.longitude)
            > COARSE_ODOMETER_M
        ):
            self.is_odometer_coarse = True

    # --- being carried ----------------------------------------------------------------------

    def _is_carried_away(self, drive: Drive) -> bool:
        """Tell whether it is clearly elsewhere, with the key off and no kilometre driven."""
        if drive.carried_fixes < 2 or self._grew_along(drive):
            return False
        away = metres(
            drive.carried_latitude,
            drive.carried_longitude,
            drive.latitude,
            drive.longitude,
        )
        least = CARRIED_M
        if drive.carried_odometer != NO_ODOMETER and self._is_odometer_coarse():
            least = 1.5 * min(self.odometer_step, 1000)
        return away > least

    def _is_odometer_coarse(self) -> bool:
        return self.is_odometer_coarse and self.odometer_step > COARSE_ODOMETER_M

    def _grew_along(self, drive: Drive) -> bool:
        """Tell whether the odometer grew while it moved with the key off."""
        before, now = drive.carried_odometer, self.odometer
        if NO_ODOMETER in (before, now) or drive.odometer_fell:
            return False
        way = drive.way - drive.carried_way
        return way >= LEAST_AWAY_M and now - before >= max(LEAST_AWAY_M, way / 2)

    def _judge_carried(self, at: float) -> None:
        """Decide whether what moves with the key off is carried, or drives after all."""
        drive = self.drive
        if drive is None or drive.carried_since is None:
            return
        if self._grew_along(drive):
            drive.carried_since, drive.is_towed = None, False
            drive.drives_with_key_off = True
        elif (
            not drive.is_towed
            and at - drive.carried_since >= KEY_LATE_S
            and self._is_carried_away(drive)
        ):
            self._tow(drive, at)

    def _tow(self, drive: Drive, at: float) -> None:
        """Note that it is carried, and end what it drove before."""
        begin = at if drive.carried_since is None else drive.carried_since
        self._close_before_carried(drive)
        drive.is_towed = True
        self.towings = (*self.towings, Towing(begin, at))

    def _close_before_carried(self, drive: Drive) -> None:
        if drive.is_towed or drive.carried_way <= 0 or drive.stopped_at is None:
            return
        found = self._found(drive, drive.stopped_at, drive.carried_way)
        if found is not None:
            self.closed = (*self.closed, found)
            self.ended_at = drive.stopped_at

    def _end_carried(self, at: float) -> None:
        """End being carried where it is, by a key that is on or by standing."""
        drive = self.drive
        if drive is None:
            return
        if not drive.is_towed:
            if self._is_carried_away(drive):
                self._tow(drive, at)
            else:
                self._close_before_carried(drive)
        self._park(at)

    def _park(self, ended_at: float) -> None:
        self.drive = self.outside = None
        self.ended_at = max(self.ended_at, ended_at)
        self.parked_odometer = self.odometer

    def _add_unheard(self, place: Place, fix: Moment, step: float) -> bool:
        """Add what was driven or carried unheard, parked on both sides. False for nothing."""
        if step <= LEAST_WAY_M or not (
            self._is_slow(fix) and self.key is False or self.locked
        ):
            return False
        at = fix.at_ms / 1000
        grown = None
        if NO_ODOMETER not in (self.parked_odometer, self.odometer):
            grown = self.odometer - self.parked_odometer
        if grown is not None and 0 <= grown < 0.1 * step:
            self.towings = (*self.towings, Towing(place.until, at))
            end = at
        else:
            by_odometer = grown is not None and 0.9 * step - 500 <= grown <= 60 * (
                at - place.until
            )
            distance = float(grown) if grown is not None and by_odometer else step
            begin = max(place.until, self.ended_at, at - distance / ESTIMATED_KMH * 3.6)
            end = at
            self.closed = (
                *self.closed,
                FoundTrip(
                    begin=begin,
                    end=end,
                    last=end,
                    distance_m=distance,
                    gap_s=end - begin,
                    unheard_since=min(place.until, begin),
                    distance_source=DistanceSource.ODOMETER
                    if by_odometer
                    else DistanceSource.WAY,
                    flags=frozenset({TripFlag.ESTIMATED}),
                    odometer_begin_m=_known(self.parked_odometer),
                    odometer_end_m=_known(self.odometer),
                    begin_latitude=place.latitude * _DEGREE,
                    begin_longitude=place.longitude * _DEGREE,
                    end_latitude=fix.latitude * _DEGREE,
                    end_longitude=fix.longitude * _DEGREE,
                    quarters=spread(begin, end, distance),
                ),
            )
        self.place = Place(fix.latitude, fix.longitude, at, at)
        self._park(end)
        return True

    @staticmethod
    def _is_slow(fix: Moment) -> bool:
        return fix.speed == UNKNOWN or fix.speed < MOVING_KMH * 10

    # --- stops ------------------------------------------------------------------------------

    def _stops_by_key(self, at: float, settings: TripSettings) -> bool:
        """Tell whether a key that is off has ended the drive by a time."""
        if not self._may_be_off:
            return False
        place, drive = self.place, self.drive
        if place is None or drive is None or drive.is_towed or self.is_key_doubtful:
            return False
        if self._usable_key(settings) is not False or drive.drives_with_key_off:
            return False
        if self.outside is not None:
            at = min(at, self.outside.at_ms / 1000)
        off_since = max(self._off_since(), place.since)
        if drive.carried_since is not None and drive.carried_since <= place.since:
            # Off since before it moved: it is not the key that says that it stands.
            return False
        least = settings.min_stop_s if self.key is not None else 0.0
        return at - off_since >= least

    def _stops_by_standing(self, stood: float, settings: TripSettings) -> bool:
        """Tell whether standing for so long ends the drive."""
        if self.drive is not None and self.drive.carried_since is not None:
            return stood >= CARRIED_STAND_S
        if self._usable_key(settings) is None:
            least = max(NO_KEY_STAND_S, 2 * self.interval(settings))
        else:
            least = KEY_ON_STAND_S
        return stood >= max(least, settings.min_stop_s)

    def _stop(self, settings: TripSettings) -> None:
        """End the drive at the place."""
        drive, place = self.drive, self.place
        if drive is None or place is None:
            return
        if drive.carried_since is not None:
            self._end_carried(place.since)
            return
        end = self._end_at(place, settings)
        found = self._found(drive, end, None)
        if found is not None:
            self.closed = (*self.closed, found)
            if drive.drives_with_key_off and found.distance_m > OFF_DRIVE_M:
                self._note_off_drive(int(end // 86400))
        self._park(end)

    def _note_off_drive(self, day: int) -> None:
        """Note a day on which it drove while the key was told off."""
        if day not in self.off_days:
            self.off_days = (*self.off_days, day)[-OFF_DAYS:]
        if len(self.off_days) >= OFF_DAYS:
            self.is_key_unusable, self.clean_cycles = True, 0

    def _end_at(self, place: Place, settings: TripSettings) -> float:
        if self._usable_key(settings) is False:
            off_since = self._off_since()
            if place.since <= off_since <= place.since + KEY_BELONGS_S:
                return off_since
        return place.since

    def _found(
        self, drive: Drive, end: float | None, way: float | None
    ) -> FoundTrip | None:
        """Return the trip of a drive, None for a manoeuvre or for drift.

        ``way`` is given of a drive that ended before it went on being carried.
        """
        place = self.place
        if place is None:
            return None
        idle = drive.idle_s
        is_whole = way is None
        if way is None:
            way = drive.way
            rest = metres(
                drive.latitude, drive.longitude, place.latitude, place.longitude
            )
            way += rest
            if end is not None and end - place.since >= IDLE_PIECE_S:
                idle += end - place.since - place.off_s
        if way < LEAST_WAY_M or drive.away < LEAST_AWAY_M:
            return None
        grown = None
        if (
            NO_ODOMETER not in (drive.odometer, self.odometer)
            and not drive.odometer_fell
            and is_whole
        ):
            grown = self.odometer - drive.odometer
        if drive.tells_speed and not drive.was_fast and not (grown or 0) > LEAST_AWAY_M:
            away = metres(
                drive.begin_latitude,
                drive.begin_longitude,
                place.latitude,
                place.longitude,
            )
            if away <= STOOD_M:
                return None
        distance, source = way, DistanceSource.WAY
        if grown is not None and self._is_good_odometer(drive, grown, way):
            distance, source = float(grown), DistanceSource.ODOMETER
        last = place.until if end is None else end
        begin = min(drive.begin, last)
        share = distance / way
        return FoundTrip(
            begin=begin,
            end=end,
            last=last,
            distance_m=distance,
            idle_s=max(0.0, min(idle, last - begin)),
            gap_s=drive.gap_s,
            unheard_since=drive.unheard_since if drive.unheard_m > way / 2 else None,
            top_speed=drive.top_speed / 10 or None,
            distance_source=source,
            flags=frozenset({TripFlag.BEGIN_ESTIMATED})
            if drive.is_estimated
            else frozenset(),
            odometer_begin_m=_known(drive.odometer),
            odometer_end_m=_known(self.odometer) if is_whole else None,
            begin_latitude=drive.begin_latitude * _DEGREE,
            begin_longitude=drive.begin_longitude * _DEGREE,
            end_latitude=place.latitude * _DEGREE,
            end_longitude=place.longitude * _DEGREE,
            quarters=tuple((one, part * share) for one, part in drive.driven())
            if end is not None
            else (),
        )

    def _is_good_odometer(self, drive: Drive, grown: int, way: float) -> bool:
        """Tell whether the odometer measures a drive better than the fixes do."""
        if (
            grown <= 0
            or not max(0.9 * way - 500, 0.5 * way) <= grown <= 1.6 * way + 500
        ):
            return False
        step = min(self.odometer_step, 1000)
        return (
            not self._is_odometer_coarse()
            or grown >= ODOMETER_STEPS * step
            or drive.gap_m > way / 2
        )

    # --- what holds at a time ---------------------------------------------------------------

    def current(self, now: float, settings: TripSettings) -> FoundTrip | None:
        """Return the trip that is under way at a time, or that ended since by time alone."""
        drive = self.drive
        if drive is None:
            return None
        if drive.is_towed:
            return None
        is_silent = now - self.heard_at >= SILENCE_S
        if is_silent or self._usable_key(settings) is False:
            then = self.copy()
            if then.let_pass(now, settings, is_silent=is_silent):
                new = then.closed[len(self.closed) :]
                return new[-1] if new else None
        if drive.carried_since is not None:
            return (
                None
                if drive.carried_way <= 0
                else self._found(drive, None, drive.carried_way)
            )
        return self._found(drive, None, None)

    def let_pass(self, now: float, settings: TripSettings, *, is_silent: bool) -> bool:
        """End the drive if time alone does by now. Returns whether it did.

        ``is_silent`` says that nothing was heard for long enough to end any drive.
        """
        self.is_key_doubtful = False
        if self.outside is not None and (
            is_silent or self._off_since() >= self.outside.at_ms / 1000
        ):
            self._leave(self.outside, settings)
        if not is_silent and not self._stops_by_key(now, settings):
            return False
        self._stop(settings)
        return True

    def towed_by(self, now: float) -> tuple[Towing, ...]:
        """Return the times of being carried, with one that time alone makes certain."""
        drive = self.drive
        if (
            drive is None
            or drive.carried_since is None
            or drive.is_towed
            or now - drive.carried_since < KEY_LATE_S
            or not self._is_carried_away(drive)
        ):
            return self.towings
        return (*self.towings, Towing(drive.carried_since, now))

    def changes_at(self, settings: TripSettings, now: float) -> float | None:
        """Return when time alone may change the drive after now, None if it cannot."""
        drive, place = self.drive, self.place
        if drive is None or place is None:
            return None
        times = [self.heard_at + SILENCE_S]
        if self._usable_key(settings) is False:
            since = place.since
            if self.outside is not None:
                since = self.outside.at_ms / 1000
            least = settings.min_stop_s if self.key is not None else 0.0
            times.append(max(self._off_since(), since) + least)
        if drive.carried_since is not None:
            times.append(drive.carried_since + KEY_LATE_S)
        return min((time for time in times if time > now), default=None)


def _known(odometer: int) -> int | None:
    return None if odometer == NO_ODOMETER else odometer
