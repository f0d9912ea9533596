"""Images: the newest photo of a vehicle's cameras."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import callback

from .account.coordinator import FleetCoordinator
from .cameras.captions import caption
from .cameras.downloads import NewestPhoto
from .entity import FleetEntity, entities_of
from .model.vehicle import Reading
from .offer.descriptions import FleetDescription
from .offer.texts import common_text

PARALLEL_UPDATES = 0
PHOTO_MISSING = "The photo cannot be had now."
"""Drawn where no font has the letters of the translation."""


@dataclass(frozen=True, kw_only=True)
class FleetImageDescription(FleetDescription, ImageEntityDescription):
    """An image. Its reading is when it was taken."""


COMMON = (FleetImageDescription(key=Reading.PHOTO_TAKEN),)


class FleetImage(FleetEntity, ImageEntity):
    """The newest photo, whichever camera took it."""

    entity_description: FleetImageDescription

    def __init__(
        self,
        coordinator: FleetCoordinator,
        vehicle_id: str,
        description: FleetDescription,
        reading: str,
    ) -> None:
        """Initialize with the vehicle."""
        FleetEntity.__init__(self, coordinator, vehicle_id, description, reading)
        ImageEntity.__init__(self, coordinator.hass)
        self._newest_photo = NewestPhoto(coordinator, vehicle_id)
        self._note_time()

    def _note_time(self) -> None:
        value = self.reading_value
        self._attr_image_last_updated = value if isinstance(value, datetime) else None

    @callback
    @override
    def _on_change(self) -> None:
        """Show that there is a new photo."""
        self._note_time()
        super()._on_change()

    @override
    async def async_image(self) -> bytes | None:
        """Return the photo, or a picture that says that it cannot be had now."""
        if (photo := await self._newest_photo.async_get()) is None:
            self._attr_content_type = "image/jpeg"
            return await self.hass.async_add_executor_job(
                caption, None, common_text(self.hass, "photo_missing"), PHOTO_MISSING
            )
        self._attr_content_type = photo.mime_type
        return photo.content


async_setup_entry = entities_of(FleetImage, COMMON, lambda offered: ())
