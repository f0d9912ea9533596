"""Errors for the user, with their translated texts (section ``exceptions``)."""

from __future__ import annotations

from collections.abc import Mapping

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ..const import DOMAIN
from ..contract.errors import VendorError
from ..model.guard import Refusal
from ..model.texts import LONGEST_TOLD, clean_text


def told[E: HomeAssistantError](
    kind: type[E], key: str, placeholders: Mapping[str, str] | None = None
) -> E:
    """Return an error of a kind with the translated text of a key."""
    return kind(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=dict(placeholders or {}),
    )


def invalid(key: str, **placeholders: str) -> ServiceValidationError:
    """Return the error of a call that makes no sense. Home Assistant logs no traceback."""
    return told(ServiceValidationError, key, placeholders)


def of_vendor[E: HomeAssistantError](err: VendorError, kind: type[E]) -> E:
    """Return a vendor's error as one of Home Assistant's."""
    texts = {
        key: clean_text(text, LONGEST_TOLD) for key, text in err.placeholders.items()
    }
    return told(kind, err.translation_key, texts)


def of_refusal(refused: Refusal) -> HomeAssistantError:
    """Return why a command was not sent."""
    return told(HomeAssistantError, refused.key, refused.placeholders)
