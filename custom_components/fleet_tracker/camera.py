"""Cameras: the live views of vehicles, open only while somebody watches."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override

from homeassistant.components.camera import (
    Camera,
    CameraEntityDescription,
    CameraEntityFeature,
)
from homeassistant.components.stream import Stream
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_time_interval

from .account.coordinator import FleetCoordinator
from .cameras import home_stream
from .cameras.stand_in import StandIn
from .const import DOMAIN, LOGGER
from .contract.errors import CommandUnsupported, VendorError
from .contract.media import VendorMedia
from .entity import FleetEntity, by_capability, entities_of
from .model.vehicle import Capability, reading_parts
from .offer.descriptions import FleetDescription
from .offer.errors import told
from .offer.texts import in_language

PARALLEL_UPDATES = 0

LONGEST_VIEW = timedelta(minutes=10)
"""A live view costs the vehicle's data volume, so that nobody's is open for longer."""
LOOK_INTERVAL = timedelta(seconds=15)
UNWATCHED = timedelta(seconds=30)
"""How long a live view that was just opened may wait to be watched."""


@dataclass(frozen=True, kw_only=True)
class FleetCameraDescription(FleetDescription, CameraEntityDescription):
    """A camera. The part of its capability is its number."""


COMMON = (
    FleetCameraDescription(
        key=Capability.LIVE_VIEW, capability=Capability.LIVE_VIEW, enabled_parts=1
    ),
)


class FleetCamera(FleetEntity, Camera):
    """A live view, open while somebody watches it.

    Home Assistant does not tell when watching ends. So this looks whether its stream
    still has outputs. A player that uses the address without that stream (HomeKit)
    cannot be seen, and is cut off after the longest time.
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
        """Initialize with the camera of a vehicle."""
        FleetEntity.__init__(self, coordinator, vehicle_id, description, reading)
        Camera.__init__(self)
        self._camera = int(reading_parts(reading)[1])
        self._stand_in = StandIn(coordinator, vehicle_id, self._camera)
        self._address: str | None = None
        self._opened_at: datetime | None = None
        self._opening: asyncio.Task[str] | None = None
        self._stop_looking: CALLBACK_TYPE | None = None
        self._played_elsewhere = False
        self._creating_stream = False
        self._stream_lock = asyncio.Lock()
        self._vendor_lock = asyncio.Lock()

    @property
    @override
    def is_streaming(self) -> bool:
        """Whether the live view is open."""
        return self._address is not None

    # --- watching ---

    @override
    async def async_create_stream(self) -> Stream | None:
        """Return Home Assistant's stream of the live view, which is opened for it.

        A vehicle may take longer than Home Assistant waits for `stream_source`. Raises
        HomeAssistantError with a translated text when it cannot be opened.
        """
        if not home_stream.is_running(self.hass):
            raise self._noted("stream_missing")
        async with self._stream_lock:
            await self._async_open()
            if self.stream is None:
                self.stream = await self._async_first_stream()
        if self.stream is not None:
            home_stream.expect_viewers(self.stream)
        return self.stream

    async def _async_first_stream(self) -> Stream | None:
        """Let Home Assistant create the stream, which then lives as long as the entity."""
        self._creating_stream = True
        try:
            stream = await super().async_create_stream()
        finally:
            self._creating_stream = False
        if stream is not None:
            stream.set_update_callback(self._on_stream_changed)
            home_stream.hide_addresses(self.entity_id)
        return stream

    @override
    async def stream_source(self) -> str | None:
        """Open the live view and return its address."""
        address = await self._async_open()
        if not self._creating_stream:
            self._played_elsewhere = True
        return address

    @override
    async def async_refresh_providers(self, *, write_state: bool = True) -> None:
        """Look for no WebRTC provider: Home Assistant would do so by the address.

        At each of its starts that would open every live view.
        """

    @override
    async def async_camera_image(
        self, width: int | None = None, height: int | None = None
    ) -> bytes | None:
        """Return a picture of the live view if it is watched, else what stands in for it.

        This neither opens a live view nor keeps it open.
        """
        if self.stream is not None and home_stream.is_watched(self.stream):
            picture = await self.stream.async_get_image(width=width, height=height)
            if picture is not None:
                return picture
        return await self._stand_in.async_get()

    # --- opening and closing ---

    async def _async_open(self) -> str:
        """Open the live view unless it is open, and return its address.

        Opening goes on when its caller gives up: the next try finds it open.
        """
        if self._opening is None and self._address is not None:
            return self._address
        try:
            return await asyncio.shield(self._opening or self._start_opening())
        except VendorError as err:
            error = self.coordinator.home_assistant_error(err)
            self._stand_in.note(error)
            raise in_language(self.hass, error) from err

    @callback
    def _start_opening(self) -> asyncio.Task[str]:
        if self._stop_looking is None:
            self._stop_looking = async_track_time_interval(
                self.hass, self._async_look, LOOK_INTERVAL, cancel_on_shutdown=True
            )
        opening = self._opening = (
            self.coordinator.config_entry.async_create_background_task(
                self.hass,
                self._async_ask(),
                f"{DOMAIN} open live view",
                eager_start=False,
            )
        )
        opening.add_done_callback(_log_failure)
        return opening

    async def _async_ask(self) -> str:
        try:
            async with self._vendor_lock:
                address = await self._media.open_live(self.vehicle_id, self._camera)
        finally:
            self._opening = None
        self._address = address
        if self._opened_at is None:
            self._opened_at = self.coordinator.now()
        if self.stream is not None:
            self.stream.source = address
        self._stand_in.forget()
        self.async_write_ha_state()
        return address

    @callback
    def _on_stream_changed(self) -> None:
        """Ask for the live view anew when it broke off: its address may have died.

        Home Assistant's stream tries again after some seconds, and goes on with that.
        """
        if self.stream is None or self.stream.available or self._opened_at is None:
            return
        if self._opening is None:
            self._address = None
            self.async_write_ha_state()
            self._start_opening()

    async def _async_look(self, _now: datetime) -> None:
        """Close the live view when nobody watches, or somebody has for too long."""
        if self._opening is not None:
            return
        if self._opened_at is not None:
            age = self.coordinator.now() - self._opened_at
            watched = self._played_elsewhere or home_stream.is_watched(self.stream)
            if age < UNWATCHED or (age < LONGEST_VIEW and watched):
                return
            if watched:
                minutes = str(LONGEST_VIEW // timedelta(minutes=1))
                self._noted("live_view_ended", minutes=minutes)
        await self._async_close()

    async def _async_close(self) -> None:
        """Close the live view, and what an attempt that failed may have opened."""
        if self._stop_looking is None:
            return
        self._stop_looking()
        self._stop_looking = self._address = self._opened_at = None
        self._played_elsewhere = False
        async with self._vendor_lock:
            # Both at once: a stream without data stops only once the live view was closed.
            await asyncio.gather(
                home_stream.async_stop(self.stream), self._async_close_at_vendor()
            )
        self.async_write_ha_state()

    async def _async_close_at_vendor(self) -> None:
        try:
            await self._media.close_live(self.vehicle_id, self._camera)
        except VendorError as err:
            LOGGER.debug("A live view was not closed: %s", err)

    @property
    def _media(self) -> VendorMedia:
        media = self.coordinator.connection.media
        if media is None:
            raise CommandUnsupported("A vendor without cameras")
        return media

    def _noted(self, key: str, **placeholders: str) -> HomeAssistantError:
        """Return why there is no live view, and show it on the stand-in picture."""
        error = told(HomeAssistantError, key, placeholders)
        self._stand_in.note(error)
        return in_language(self.hass, error)

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Close the live view."""
        if self._opening is not None:
            self._opening.cancel()
        await self._async_close()
        self.stream = None
        await super().async_will_remove_from_hass()


def _log_failure(opening: asyncio.Task[str]) -> None:
    """Note why a live view did not open, though nobody may wait for it any more."""
    if not opening.cancelled() and (error := opening.exception()) is not None:
        LOGGER.debug("A live view did not open: %s", error)


async_setup_entry = entities_of(FleetCamera, COMMON, lambda offered: (), by_capability)
