"""Cameras: the live views of vehicles, open only while somebody watches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.camera import (
    Camera,
    CameraEntityDescription,
    CameraEntityFeature,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_track_time_interval

from .coordinator import FleetConfigEntry, FleetCoordinator
from .entity import (
    FleetDescription,
    FleetEntity,
    async_setup_entities,
    by_capability,
    reading_parts,
)
from .vendor import VendorError

PARALLEL_UPDATES = 0

LOOK_INTERVAL = timedelta(seconds=30)
LONGEST_VIEW = timedelta(minutes=10)
"""A live view costs the vehicle's data volume, so that nobody's is open for longer."""


@dataclass(frozen=True, kw_only=True)
class FleetCameraDescription(FleetDescription, CameraEntityDescription):
    """A camera. The part of its capability is its number."""


COMMON = (FleetCameraDescription(key="live", capability="live", enabled_parts=1),)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: FleetConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the cameras of an entry."""
    await async_setup_entities(
        entry, async_add_entities, COMMON, (), FleetCamera, by_capability
    )


class FleetCamera(FleetEntity, Camera):
    """A live view.

    Home Assistant does not tell when watching ends, so that this looks whether the stream
    still has outputs. Who watches past Home Assistant's own stream (WebRTC) says good-bye,
    or is cut off after the longest time.
    """

    entity_description: FleetCameraDescription

    _attr_supported_features = CameraEntityFeature.STREAM

    def __init__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
    ) -> None:
        """Take which camera of which vehicle it is."""
        FleetEntity.__init__(self, coordinator, vehicle_id, description, reading)
        Camera.__init__(self)
        self._camera = int(reading_parts(reading)[1])
        self._address: str | None = None
        self._opened_at: datetime | None = None
        self._stop_looking: CALLBACK_TYPE | None = None

    @property
    @override
    def is_streaming(self) -> bool:
        """Whether the live view is open."""
        return self._address is not None

    @override
    async def stream_source(self) -> str | None:
        """Open the live view and return its address."""
        media = self.coordinator.connection.media
        if media is not None and self._address is None:
            try:
                address = await media.open_live(self.vehicle_id, self._camera)
            except VendorError as err:
                raise self.coordinator.home_assistant_error(err) from err
            self._address = address
            self._opened_at = self.coordinator.now()
            self._stop_looking = async_track_time_interval(
                self.hass, self._async_look, LOOK_INTERVAL, cancel_on_shutdown=True
            )
            self.async_write_ha_state()
        return self._address

    @override
    async def async_camera_image(
        self, width: int | None = None, height: int | None = None
    ) -> bytes | None:
        """Return a picture of the live view if it is open; none opens it."""
        if self.stream is None:
            return None
        return await self.stream.async_get_image(width=width, height=height)

    @callback
    @override
    def close_webrtc_session(self, session_id: str) -> None:
        """Close the live view when nobody else watches."""
        super().close_webrtc_session(session_id)
        if self._address is not None and not (self.stream and self.stream.outputs()):
            self.hass.async_create_task(self._async_close())

    async def _async_look(self, _now: datetime) -> None:
        """Close the live view when nobody watches, or somebody has for too long."""
        watched = self.stream is None or bool(self.stream.outputs())
        opened_at = self._opened_at
        if watched and opened_at and self.coordinator.now() - opened_at < LONGEST_VIEW:
            return
        await self._async_close()

    async def _async_close(self) -> None:
        if self._stop_looking is not None:
            self._stop_looking()
            self._stop_looking = None
        if self._address is None:
            return
        self._address = self._opened_at = None
        if (stream := self.stream) is not None:
            self.stream = None
            await stream.stop()
        if (media := self.coordinator.connection.media) is not None:
            await media.close_live(self.vehicle_id, self._camera)
        self.async_write_ha_state()

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Close the live view."""
        await self._async_close()
        await super().async_will_remove_from_hass()
