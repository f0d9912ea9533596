"""Chapter 9: geofences, in the device and on the platform.

Units and values are the manual's, which the document contradicts in some places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from ....contract.errors import InvalidAnswer, InvalidArgument
from ....model.json_values import as_text
from .batches import Batches
from .transport import Transport
from .values import as_count

DEVICE_RADIUS_M = (100, 999_900)
PLATFORM_RADIUS_M = (200, 5000)
ZOOM_LEVELS = (3, 19)

_STEP_M = 100

type Place = tuple[float, float]


class FenceAlert(StrEnum):
    """When a platform geofence raises an alarm (9.5)."""

    ENTERED = "in"
    LEFT = "out"
    NOT_ENTERED_FOR_DAYS = "stayTimeIn"
    NOT_LEFT_FOR_DAYS = "stayTimeOut"


class FencesApi:
    """The methods of chapter 9. Places are latitude and longitude in degrees.

    In China coordinates are to be those of the local system (GCJ-02).
    """

    def __init__(self, transport: Transport, batches: Batches) -> None:
        """Initialize with the transport of the calls."""
        self._transport = transport
        self._batches = batches

    async def create_in_device(
        self,
        imei: str,
        name: str,
        place: Place,
        radius_m: int,
        *,
        entering: bool = True,
        leaving: bool = True,
        by_sms: bool = False,
        enabled: bool = True,
        zoom: int = 16,
    ) -> str:
        """Create a circle in a device that is online and return its number (9.1).

        The API takes the radius in units of 100 m. Raises InvalidArgument for a radius
        that this cannot express, and without an alarm to raise.
        """
        check_device_radius(radius_m)
        kinds = ["in"] * entering + ["out"] * leaving
        if not kinds or not ZOOM_LEVELS[0] <= zoom <= ZOOM_LEVELS[1]:
            raise InvalidArgument("No alarm, or no zoom level")
        answer = await self._transport.call(
            "jimi.open.device.fence.create",
            {
                "imei": imei,
                "fence_name": name,
                "alarm_type": ",".join(kinds),
                "report_mode": int(by_sms),
                "alarm_switch": "ON" if enabled else "OFF",
                "lng": place[1],
                "lat": place[0],
                "radius": radius_m // _STEP_M,
                "zoom_level": zoom,
                "map_type": "GOOGLE",
            },
        )
        if (number := as_text(answer.result)) is None:
            raise InvalidAnswer("The answer has no geofence")
        return number

    async def delete_in_device(self, imei: str, number: str) -> None:
        """Delete a circle in a device that is online (9.2)."""
        await self._transport.call(
            "jimi.open.device.fence.delete", {"imei": imei, "instruct_no": number}
        )

    async def create_circle(
        self,
        account: str,
        name: str,
        place: Place,
        radius_m: int,
        *,
        colour: str | None = None,
        description: str | None = None,
    ) -> str:
        """Create a circle of 200 to 5000 m on the platform and return its id (9.3)."""
        _check_radius(radius_m, PLATFORM_RADIUS_M)
        return await self._create(
            account, name, "circle", [place], radius_m, colour, description
        )

    async def create_polygon(
        self,
        account: str,
        name: str,
        places: Sequence[Place],
        *,
        colour: str | None = None,
        description: str | None = None,
    ) -> str:
        """Create a polygon on the platform and return its id (9.3)."""
        if len(places) < 3:
            raise InvalidArgument("A polygon has three corners at least")
        return await self._create(
            account, name, "polygon", places, None, colour, description
        )

    async def _create(
        self,
        account: str,
        name: str,
        kind: str,
        places: Sequence[Place],
        radius_m: int | None,
        colour: str | None,
        description: str | None,
    ) -> str:
        answer = await self._transport.call(
            "jimi.open.platform.fence.create",
            {
                "account": account,
                "fence_name": name,
                "fence_type": kind,
                "geom": "#".join(f"{lat:.8f},{lng:.8f}" for lat, lng in places),
                "radius": radius_m,
                "fence_color": colour,
                "description": description,
            },
        )
        fence = as_text(answer.data) or as_text(answer.result)
        if fence is None:
            raise InvalidAnswer("The answer has no geofence")
        return fence

    async def delete(self, account: str, fence_id: str) -> None:
        """Delete a geofence of the platform (9.4)."""
        await self._transport.call(
            "jimi.open.platform.fence.delete",
            {"account": account, "fence_id": fence_id},
        )

    async def bind(
        self,
        fence_id: str,
        imeis: Iterable[str],
        alerts: Iterable[FenceAlert] = (FenceAlert.ENTERED, FenceAlert.LEFT),
        *,
        days_not_entered: int | None = None,
        days_not_left: int | None = None,
    ) -> int:
        """Bind devices to a geofence and return how many are bound (9.5).

        The two alerts for days need their number of days. All devices have to go into
        one call, since each call replaces what the one before bound.
        """
        named = list(dict.fromkeys(imeis))
        if len(named) > self._batches.limit:
            raise InvalidArgument("Too many vehicles", key="tracksolid_imeis")
        kinds = set(alerts)
        if (FenceAlert.NOT_ENTERED_FOR_DAYS in kinds) != bool(days_not_entered) or (
            FenceAlert.NOT_LEFT_FOR_DAYS in kinds
        ) != bool(days_not_left):
            raise InvalidArgument("An alert for days needs days, and days need it")
        answer = await self._transport.call(
            "jimi.open.platform.fence.bind",
            {
                "fence_id": fence_id,
                "imeis": ",".join(named),
                "alert_type": ",".join(sorted(kinds)),
                "stay_time_in": days_not_entered,
                "stay_time_out": days_not_left,
            },
        )
        bound = as_count(answer.data)
        return as_count(answer.result) or 0 if bound is None else bound


def check_device_radius(radius_m: int) -> None:
    """Raise InvalidArgument for a radius that a device cannot be told."""
    _check_radius(radius_m, DEVICE_RADIUS_M)
    if radius_m % _STEP_M:
        raise InvalidArgument("Not full 100 m", key="tracksolid_radius_step")


def _check_radius(radius_m: int, limits: tuple[int, int]) -> None:
    if not limits[0] <= radius_m <= limits[1]:
        raise InvalidArgument(
            "A radius out of bounds",
            key="tracksolid_radius",
            placeholders={"least": str(limits[0]), "most": str(limits[1])},
        )
