"""The guard before every command that can stop a vehicle. Pure, so that it reads as a rule."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime

from .evidence import FRESHNESS, is_fresh, usual_contact
from .record import record
from .vehicle import Evidence, FixKind, Reading, SpeedSource, Vehicle


@record(frozen=True, slots=True)
class Refusal:
    """Why a command is refused: a translation key and its placeholders."""

    key: str
    placeholders: dict[str, str] = field(default_factory=dict)
    may_pass_soon: bool = False
    """Whether the vehicle's next news may lift the refusal within a minute."""


def refusal(vehicle: Vehicle, limit: float, now: datetime) -> Refusal | None:
    """Return why a vehicle must not be stopped now, None if it surely stands or crawls.

    The limit is in km/h, ``now`` by the clock of the vendor's server. There are two proofs:
    a speed below the limit that was measured at most 2 minutes ago, or that it is parked.
    Against both counts any speed at or above the limit that was measured in these 2
    minutes, whoever told it.
    """
    if vehicle.readings.get(Reading.ONLINE) is False:
        return Refusal("vehicle_offline")
    evidence = vehicle.evidence
    fastest = max(
        (one.speed for one in evidence.speeds if is_fresh(one.measured_at, now)),
        default=None,
    )
    if fastest is not None and fastest >= limit:
        return Refusal(
            "engine_cut_too_fast", {"speed": f"{fastest:.0f}", "limit": f"{limit:.0f}"}
        )
    if _is_slow(vehicle, now) or _is_parked(vehicle, now):
        return None
    heard_at = vehicle.heard_at
    if heard_at is None:
        return Refusal("engine_cut_never_heard", may_pass_soon=True)
    if now - heard_at > FRESHNESS:
        return _not_heard_of(evidence, heard_at, now)
    # The vehicle was heard of, such as by an alarm, and its next heartbeat may tell
    # that it is parked.
    return Refusal("engine_cut_speed_unknown", may_pass_soon=_seems_parked(vehicle))


def _is_slow(vehicle: Vehicle, now: datetime) -> bool:
    """Tell whether a fresh speed is known, which the caller found to be below the limit.

    A time that we put in makes no speed fresh by itself: it counts together with the
    ignition off, or with the speed by the vehicle's own speedometer.
    """
    evidence = vehicle.evidence
    fix = vehicle.latest_fix
    fresh = [
        one
        for one in evidence.speeds
        if is_fresh(one.measured_at, now)
        and (
            one.source in (SpeedSource.VEHICLE, SpeedSource.OBD)
            # Of all that was heard, only a fix that was believed proves that it is slow.
            or (
                one.source is SpeedSource.FIX
                and fix is not None
                and fix.speed is not None
                and fix.fixed_at == one.measured_at
                and fix.kind is FixKind.SATELLITE
            )
        )
    ]
    if any(not one.time_is_ours for one in fresh):
        return True
    return bool(fresh) and (
        any(one.source is SpeedSource.OBD for one in fresh)
        or _is_ignition_off(evidence, now)
    )


def _is_parked(vehicle: Vehicle, now: datetime) -> bool:
    """Tell whether the ignition is off, and nothing measured since says that it moves.

    The fix may be old or missing: a car in a garage is parked too.
    """
    return _is_ignition_off(vehicle.evidence, now) and _seems_parked(vehicle)


def _seems_parked(vehicle: Vehicle) -> bool:
    """Tell whether the last news says parked, however old it is."""
    evidence = vehicle.evidence
    return (
        _seems_ignition_off(evidence)
        and vehicle.readings.get(Reading.MOVING) is not True
        and _is_not_since(evidence.moved_at, evidence.ignition_off_since)
    )


def _is_ignition_off(evidence: Evidence, now: datetime) -> bool:
    """Tell whether a fresh contact says that the ignition is off, and may be believed."""
    contact_at = evidence.ignition_contact_at
    return (
        _seems_ignition_off(evidence)
        and contact_at is not None
        and is_fresh(contact_at, now)
    )


def _seems_ignition_off(evidence: Evidence) -> bool:
    """Tell whether the last that was heard of the ignition is off, and may be believed.

    It proves nothing while it was never seen on, or since the vehicle was seen driving or
    its engine running with it, until it is seen on again.
    """
    return (
        evidence.ignition is False
        and evidence.ignition_seen_on
        and evidence.ignition_distrusted_at is None
        and _is_not_since(evidence.engine_ran_at, evidence.ignition_off_since)
    )


def _is_not_since(time: datetime | None, since: datetime | None) -> bool:
    return time is None or (since is not None and time <= since)


def _not_heard_of(evidence: Evidence, heard_at: datetime, now: datetime) -> Refusal:
    minutes = f"{(now - heard_at).total_seconds() / 60:.0f}"
    usual = usual_contact(evidence)
    if usual is None:
        return Refusal(
            "engine_cut_no_contact", {"minutes": minutes}, may_pass_soon=True
        )
    return Refusal(
        "engine_cut_no_contact_usual",
        {"minutes": minutes, "usual": f"{usual.total_seconds() / 60:.1f}"},
        may_pass_soon=True,
    )
