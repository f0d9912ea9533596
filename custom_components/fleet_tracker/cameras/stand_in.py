"""The picture of a camera without a live view: its newest photo, and the reason.

Home Assistant shows a camera's pictures where a live view fails, but no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from homeassistant.exceptions import HomeAssistantError

from ..account.coordinator import FleetCoordinator
from ..offer.texts import error_text
from .captions import caption
from .downloads import NewestPhoto

REASON_SHOWN = timedelta(minutes=1)


@dataclass(slots=True)
class _Reason:
    texts: tuple[str, str]
    noted_at: datetime
    picture: bytes | None = None


class StandIn:
    """The picture that stands in for a live view."""

    def __init__(
        self, coordinator: FleetCoordinator, vehicle_id: str, camera: int
    ) -> None:
        """Initialize with the camera of a vehicle."""
        self._coordinator = coordinator
        self._newest = NewestPhoto(coordinator, vehicle_id, camera)
        self._reason: _Reason | None = None

    def note(self, error: HomeAssistantError) -> None:
        """Note why there is no live view, to be shown for a minute."""
        texts = error_text(self._coordinator.hass, error), str(error)
        self._reason = _Reason(texts, self._coordinator.now())

    def forget(self) -> None:
        """Forget why there was no live view, since there is one again."""
        self._reason = None

    async def async_get(self) -> bytes | None:
        """Return the camera's newest photo, with the reason on it if there is one."""
        newest = await self._newest.async_get()
        photo = newest.content if newest else None
        reason = self._reason
        if reason is None or self._coordinator.now() - reason.noted_at >= REASON_SHOWN:
            return photo
        if reason.picture is None:
            reason.picture = await self._coordinator.hass.async_add_executor_job(
                caption, photo, *reason.texts
            )
        return reason.picture
