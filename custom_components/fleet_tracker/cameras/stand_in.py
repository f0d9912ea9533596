"""What a camera shows while there is no live view: its newest photo, and why.

Home Assistant shows a camera's pictures where a live view fails, but no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
import textwrap

from homeassistant.exceptions import HomeAssistantError
from PIL import Image, ImageDraw, ImageFont

from ..account.coordinator import FleetCoordinator
from .downloads import NewestPhoto

REASON_SHOWN = timedelta(minutes=1)

SIZE = (640, 360)
LARGEST = (1280, 1280)
COLUMNS = 30


@dataclass(slots=True)
class _Reason:
    text: str
    noted_at: datetime
    picture: bytes | None = None


class StandIn:
    """The picture that stands in for a live view."""

    def __init__(
        self, coordinator: FleetCoordinator, vehicle_id: str, camera: int
    ) -> None:
        """Take which camera of which vehicle it is of."""
        self._coordinator = coordinator
        self._newest = NewestPhoto(coordinator, vehicle_id, camera)
        self._reason: _Reason | None = None

    def note(self, error: HomeAssistantError) -> None:
        """Note why there is no live view, which is told for a minute."""
        self._reason = _Reason(str(error), self._coordinator.now())

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
                caption, photo, reason.text
            )
        return reason.picture


def caption(picture: bytes | None, text: str) -> bytes:
    """Return a JPEG: a text on a darkened picture, or on grey without one."""
    image = (picture and _open(picture)) or Image.new("RGB", SIZE, "grey")
    image = image.point(lambda value: value // 3)
    ImageDraw.Draw(image).multiline_text(
        (image.width / 2, image.height / 2),
        "\n".join(textwrap.wrap(text, COLUMNS)),
        fill="white",
        font=ImageFont.load_default(image.width / COLUMNS * 1.5),
        anchor="mm",
        align="center",
    )
    file = BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def _open(picture: bytes) -> Image.Image | None:
    """Return a picture, not larger than it need be; None where it cannot be read."""
    try:
        image = Image.open(BytesIO(picture))
        image.thumbnail(LARGEST)
        return image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
