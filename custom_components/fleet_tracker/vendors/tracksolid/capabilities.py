"""The capabilities of vehicles, by their models' commands and their cameras."""

from __future__ import annotations

from ...model.vehicle import Capability, VehicleUpdate, part_of
from .api.records import Device
from .cameras import FRONT, INSIDE, Cameras
from .instruction_lists import InstructionLists
from .vocabulary import TracksolidCapability


class Capabilities:
    """The capabilities of an account's vehicles, as far as they were learned."""

    def __init__(self, lists: InstructionLists, cameras: Cameras) -> None:
        """Initialize with the command lists and the cameras."""
        self._lists = lists
        self._cameras = cameras

    def of(self, device: Device) -> frozenset[str]:
        """Return the capabilities of a vehicle."""
        found: set[str] = {Capability.EVENTS, *self._lists.capabilities(device)}
        if TracksolidCapability.CAMERA in found:
            found |= {
                part_of(TracksolidCapability.TAKE_PHOTO, one) for one in (FRONT, INSIDE)
            }
        channels = self._cameras.channels(device.imei)
        found |= {
            part_of(Capability.LIVE_VIEW, camera)
            for camera, _ in enumerate(channels, start=1)
        }
        return frozenset(found)

    def update_of(self, device: Device) -> VehicleUpdate:
        """Return the news of what a vehicle is capable of."""
        return VehicleUpdate(vehicle_id=device.imei, capabilities=self.of(device))

    def has_camera(self, device: Device) -> bool:
        """Tell whether a vehicle has a camera, by its model or its command list."""
        return TracksolidCapability.CAMERA in self._lists.capabilities(device)
