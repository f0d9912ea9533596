"""Home Assistant's stream, which plays live views, and the settings that it needs."""

from __future__ import annotations

from dataclasses import replace
import logging
import re
from typing import override

from homeassistant.components import stream as stream_component
from homeassistant.components.stream import HLS_PROVIDER, Stream
from homeassistant.core import HomeAssistant, callback

OUTPUT_IDLE_S = 30
"""For how long no pictures are asked for until a stream drops its output.

Home Assistant's own default was five minutes before 2026.
"""

_ADDRESS = re.compile(r"\b[a-z]+://[^\s,)]+", re.IGNORECASE)


class _HidesAddresses(logging.Filter):
    """Keeps addresses out of a log: those of live views name a vehicle."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Hide the addresses in a record."""
        record.msg, record.args = _ADDRESS.sub("…", record.getMessage()), None
        return True


_HIDES_ADDRESSES = _HidesAddresses()


def is_running(hass: HomeAssistant) -> bool:
    """Tell whether there is something that plays streams."""
    return stream_component.DOMAIN in hass.config.components


def hide_addresses(entity_id: str) -> None:
    """Keep addresses out of what is logged of a camera's stream."""
    logger = logging.getLogger(f"{stream_component.__name__}.stream.{entity_id}")
    logger.addFilter(_HIDES_ADDRESSES)


@callback
def expect_viewers(stream: Stream) -> None:
    """Let the stream notice soon that nobody watches any more.

    To be called before Home Assistant adds the output, or its own time counts.
    """
    stream.add_provider(HLS_PROVIDER, timeout=OUTPUT_IDLE_S)


def is_watched(stream: Stream | None) -> bool:
    """Tell whether a stream is watched or recorded."""
    return stream is not None and bool(stream.outputs())


async def async_stop(stream: Stream | None) -> None:
    """Stop a stream if there is one, even if the user wants it to be preloaded."""
    if stream is None:
        return
    settings = stream.dynamic_stream_settings
    stream.dynamic_stream_settings = replace(settings, preload_stream=False)
    outputs = stream.outputs().values()
    await stream.stop()
    for output in outputs:
        # The provider would end what the stream puts out for the next view.
        output.idle_timer.clear()
    stream.dynamic_stream_settings = settings
