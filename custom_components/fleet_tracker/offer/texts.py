"""Texts in Home Assistant's language, for what its frontend does not translate itself."""

from __future__ import annotations

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_load_integrations,
)

from ..const import DOMAIN


async def async_load_texts(hass: HomeAssistant) -> None:
    """Load the texts, which Home Assistant does by itself only once an entry is set up."""
    await async_load_integrations(hass, {DOMAIN})


@callback
def common_text(hass: HomeAssistant, key: str, **placeholders: str) -> str:
    """Return a text of the section ``common``."""
    return _text(hass, DOMAIN, f"common.{key}", placeholders) or key


@callback
def error_text(hass: HomeAssistant, error: HomeAssistantError) -> str:
    """Return the text of an error. Its `str()` is English in every language."""
    domain, key = error.translation_domain, error.translation_key
    if domain is None or key is None:
        return str(error)
    placeholders = error.translation_placeholders or {}
    text = _text(hass, domain, f"exceptions.{key}.message", placeholders)
    return text or str(error)


@callback
def in_language[E: HomeAssistantError](hass: HomeAssistant, error: E) -> E:
    """Return an error with a translated `str()`, for callers that pass on nothing else."""
    return type(error)(
        error_text(hass, error),
        translation_domain=error.translation_domain,
        translation_key=error.translation_key,
        translation_placeholders=error.translation_placeholders,
    )


def _text(
    hass: HomeAssistant, domain: str, path: str, placeholders: dict[str, str]
) -> str | None:
    """Return a text, None where there is none or where it needs other placeholders."""
    section = path.partition(".")[0]
    texts = async_get_cached_translations(hass, hass.config.language, section, domain)
    try:
        return texts[f"component.{domain}.{path}"].format(**placeholders)
    except KeyError:
        return None
