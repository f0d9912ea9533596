"""The form of the texts in all languages and of icons.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
import re
from typing import Any

import voluptuous as vol

from .integration import ENGLISH, Integration

_KEY = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
_PLACEHOLDER = re.compile(r"{(\w+)}")
_FORBIDDEN = {
    "HTML": re.compile(r"<[a-z/][^>]*>", re.IGNORECASE),
    "an address (use a placeholder)": re.compile(r"\b(?:\w+://|www\.)\w"),
    "a placeholder in single quotes": re.compile(r"'{\w+}'"),
    "a reference, which custom integrations cannot have": re.compile(r"\[%key:"),
}


def _key(value: Any) -> str:
    if not isinstance(value, str) or not _KEY.fullmatch(value):
        raise vol.Invalid("is not a key like this_one")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value or value != value.strip():
        raise vol.Invalid("is not a text without spaces around it")
    for name, pattern in _FORBIDDEN.items():
        if pattern.search(value):
            raise vol.Invalid(f"contains {name}")
    return value


def _plain(value: Any) -> str:
    if "{" in _text(value):
        raise vol.Invalid("cannot have placeholders here")
    return str(value)


def _icon(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"mdi:[a-z0-9-]+", value):
        raise vol.Invalid("is not an icon like mdi:car")
    return value


def _by_key(value: Any) -> dict[Any, Any]:
    return {_key: value}


def _described_fields_exist(step: dict[str, Any]) -> dict[str, Any]:
    """Refuse descriptions of fields that have no name."""
    for key in set(step.get("data_description", {})) - set(step.get("data", {})):
        raise vol.Invalid(f"describes {key}, which is not in data")
    return step


def _optional(**keys: Any) -> dict[Any, Any]:
    return {vol.Optional(key): value for key, value in keys.items()}


_FIELDS = _optional(
    data=_by_key(_text), data_description=_by_key(_text), description=_text
)
_STEP = vol.All(
    _FIELDS
    | _optional(
        menu_option_descriptions=_by_key(_text),
        menu_options=_by_key(_text),
        sections=_by_key(
            vol.All(_FIELDS | {vol.Required("name"): _text}, _described_fields_exist)
        ),
        submit=_text,
        title=_text,
    ),
    _described_fields_exist,
)
_FLOW = _optional(
    abort=_by_key(_text),
    create_entry=_by_key(_text),
    error=_by_key(_text),
    flow_title=_text,
    progress=_by_key(_text),
    step=_by_key(_STEP),
)
_SUBENTRY_FLOW = _FLOW | {
    vol.Required("entry_type"): _text,
    vol.Required("initiate_flow"): {
        vol.Required("user"): _text,
        vol.Optional("reconfigure"): _text,
    },
}
_ENTITY = _optional(
    name=_text,
    state=_by_key(_plain),
    state_attributes=_by_key(_optional(name=_text, state=_by_key(_plain))),
    unit_of_measurement=_plain,
)
_ISSUE = vol.Any(
    {vol.Required("title"): _text, vol.Required("description"): _text},
    {vol.Required("title"): _text, vol.Required("fix_flow"): _FLOW},
)
_NAMED = {vol.Required("name"): _text, vol.Required("description"): _text}
_CALLABLE = _NAMED | _optional(
    fields=_by_key(_NAMED | {vol.Optional("example"): _text}),
    sections=_by_key({vol.Required("name"): _text, vol.Optional("description"): _text}),
)
_STRINGS = vol.Schema(
    {vol.Required("config"): _FLOW}
    | _optional(
        common=_by_key(_text),
        conditions=_by_key(_CALLABLE),
        config_subentries=_by_key(_SUBENTRY_FLOW),
        device=_by_key({vol.Required("name"): _text}),
        device_automation=_optional(
            action_type=_by_key(_text),
            condition_type=_by_key(_text),
            trigger_subtype=_by_key(_plain),
            trigger_type=_by_key(_text),
        ),
        entity=_by_key(_by_key(_ENTITY)),
        exceptions=_by_key({vol.Required("message"): _text}),
        issues=_by_key(_ISSUE),
        options=_FLOW,
        selector=_by_key({vol.Required("options"): _by_key(_plain)}),
        services=_by_key(_CALLABLE),
        title=_text,
        triggers=_by_key(_CALLABLE),
    )
)
_STATE_ICONS = _optional(default=_icon, state=_by_key(_icon))
_ICONS = vol.Schema(
    _optional(
        conditions=_by_key({vol.Required("condition"): _icon}),
        entity=_by_key(
            _by_key(
                _STATE_ICONS
                | _optional(
                    range={vol.Match(r"^-?\d+(\.\d+)?$"): _icon},
                    state_attributes=_by_key(_STATE_ICONS),
                )
            )
        ),
        services=_by_key(
            {vol.Required("service"): _icon, vol.Optional("sections"): _by_key(_icon)}
        ),
        triggers=_by_key({vol.Required("trigger"): _icon}),
    )
)


def check_texts(integration: Integration) -> None:
    """Note what is wrong with the form of texts and icons."""
    strings = integration.strings
    _check_form(integration, ENGLISH, _STRINGS, strings)
    _check_form(integration, "icons.json", _ICONS, integration.icons)
    if (integration.folder / "strings.json").exists():
        integration.complain("strings.json", f"Home Assistant reads {ENGLISH} alone")
    english = dict(flatten(strings))
    for path in sorted((integration.folder / "translations").glob("*.json")):
        name = f"translations/{path.name}"
        if name == ENGLISH:
            continue
        translation = integration.read_json(name)
        _check_form(integration, name, _STRINGS, translation)
        for key, text in flatten(translation):
            if key not in english:
                integration.complain(name, f"{key} is not in {ENGLISH}")
            elif set(_PLACEHOLDER.findall(text)) != set(
                _PLACEHOLDER.findall(english[key])
            ):
                integration.complain(name, f"{key} has other placeholders")


def flatten(texts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield all texts with the keys on the way to them, joined by dots."""
    for key, value in texts.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


def _check_form(
    integration: Integration, name: str, schema: vol.Schema, content: dict[str, Any]
) -> None:
    try:
        schema(content)
    except vol.MultipleInvalid as err:
        for error in err.errors:
            path = ".".join(map(str, error.path))
            integration.complain(name, f"{path}: {error.msg}")
