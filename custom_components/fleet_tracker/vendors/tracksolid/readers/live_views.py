"""Finds out which vehicles have a live stream, by one try while they drive (7.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import override

from ....model.vehicle import VehicleUpdate
from ..cameras import Cameras
from ..capabilities import Capabilities
from .reader import Reader, Situation


class LiveViewReader(Reader):
    """Tries one vehicle a poll, and only one that is awake: it drives."""

    def __init__(self, cameras: Cameras, capabilities: Capabilities) -> None:
        """Initialize with the cameras, and what follows from them."""
        self._cameras = cameras
        self._capabilities = capabilities

    @override
    def due(self, situation: Situation) -> Sequence[str]:
        """Return a vehicle with a camera whose live view was never tried."""
        if not situation.driving:
            return ()
        for imei, device in situation.devices.items():
            if (
                imei in situation.driving
                and self._capabilities.has_camera(device)
                and self._cameras.wants_trying(imei)
            ):
                return (imei,)
        return ()

    @override
    async def read(
        self, imeis: Sequence[str], situation: Situation
    ) -> Sequence[VehicleUpdate]:
        """Try the live streams and return what the vehicles are capable of since then."""
        devices = [situation.devices[imei] for imei in imeis]
        for device in devices:
            await self._cameras.try_live(device)
        return [self._capabilities.update_of(device) for device in devices]
