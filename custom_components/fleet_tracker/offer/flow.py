"""A vendor's part of the config flow; the flow itself is one for all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
import voluptuous as vol
from yarl import URL

from ..const import SUBENTRY_VEHICLE
from ..contract.connection import Connection, Memory
from ..contract.errors import InvalidArgument
from ..model.json_values import Json

PUSH_FORM = "push"
"""The name of the further form that shows where to push to, and asks about pushes."""
NO_PUSH_FORM = "no_push"
"""The name of its step where Home Assistant has no external address."""


class OptionSection(StrEnum):
    """The parts of the options' form, in their order."""

    VEHICLES = "vehicles"
    PACE = "pace"
    POSITION = "position"
    TRIPS = "trips"
    SAFETY = "safety"
    PUSH = "push"
    ADVANCED = "advanced"


type Input = Mapping[str, Any]
"""The user's entries in the forms so far."""


class FlowMemory(Memory):
    """The memory of a client while a flow runs: its token, for the entry to take over."""

    def __init__(self, facts: Mapping[str, Json] | None = None) -> None:
        """Initialize with what is known already."""
        self.facts: dict[str, Json] = dict(facts or {})

    def get(self, key: str) -> Json:
        """Return what was put under the key, None before."""
        return self.facts.get(key)

    async def put(self, key: str, value: Json) -> None:
        """Keep a value as long as the flow runs."""
        self.facts[key] = value


@dataclass(frozen=True, kw_only=True)
class Account:
    """The result of a successful check of the entered account.

    ``unique_id`` and ``identity`` name the account (the first among the entries now, the
    second in the registries for ever); ``memory`` is what the connection should start
    with (a token), so that it need not log in again.
    """

    title: str
    unique_id: str
    identity: str
    data: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    vehicle_ids: frozenset[str] = frozenset()
    memory: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class AddedVehicle:
    """A vehicle that was added one by one, after it was checked."""

    vehicle_id: str
    title: str
    data: Mapping[str, Any]


class VendorFlow(ABC):
    """One vendor's part of the config flow.

    The steps are named after the vendor's key; further forms ``{key}_{form}``.
    """

    further_forms: tuple[str, ...] = ()
    """Forms that follow the first one, by name. What they ask becomes options."""
    error_fields: ClassVar[Mapping[str, str]] = {}
    """The fields that errors of the check concern, by the keys of the errors."""
    vehicles: VehicleFlow[Any] | None = None
    """How vehicles are added one by one; None where the vendor lists them."""

    @abstractmethod
    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Return a form: ``""`` is the first, with the credentials."""

    def placeholders(self, name: str) -> Mapping[str, str]:
        """Return the placeholders of a form's description, beside the push address."""
        del name
        return {}

    @abstractmethod
    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Log in and list the vehicles, before anything is stored.

        ``entry`` is given when an existing account is changed, and ``kept`` is then what its
        connection remembers; it may only be read. Raises VendorError, whose
        translation key is also an error of the form.
        """

    def reauth_form(self) -> vol.Schema | None:
        """Return what is asked when the credentials are refused; None: nothing to ask."""
        return None

    def options_form(
        self, entry: ConfigEntry
    ) -> Mapping[OptionSection, Mapping[vol.Marker, Any]]:
        """Return the options that this vendor adds to the common ones, by section."""
        del entry
        return {}

    def options_error(self, user_input: Input) -> Mapping[str, str]:
        """Return what is wrong with the vendor's own options: field to translation key."""
        del user_input
        return {}


class VehicleFlow[C: Connection = Connection](ABC):
    """How vehicles are added one by one, for vendors that have no list of them."""

    error_fields: ClassVar[Mapping[str, str]] = {}
    """The fields that errors of the check concern, by the keys of the errors."""
    what_to_do_next: str | None = None
    """The key of the text that is shown when a vehicle is added by hand."""

    def placeholders(self, hass: HomeAssistant, entry: ConfigEntry) -> dict[str, str]:
        """Return the placeholders of that text."""
        del hass, entry
        return {}

    @abstractmethod
    def form(self, defaults: Input) -> vol.Schema:
        """Return what is asked of a vehicle that the user enters."""

    def accept_form(self) -> vol.Schema | None:
        """Return what is asked when a discovered vehicle is accepted; None: nothing."""
        return None

    @abstractmethod
    def settings_form(self, defaults: Input) -> vol.Schema:
        """Return what can be changed of a vehicle later. A ``name`` is its title too."""

    @abstractmethod
    async def async_check(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        user_input: Input,
        connection: C | None,
    ) -> AddedVehicle:
        """Check a vehicle before it is added; without a loaded entry there is no connection.

        A discovered one brings its ``vehicle_id`` and ``model`` in the input. Raises
        VendorError, whose translation key is also an error of the form.
        """


def vehicle_subentries(entry: ConfigEntry) -> dict[str, ConfigSubentry]:
    """Return the subentries of the vehicles that were added one by one, by vehicle ids."""
    return {
        subentry.unique_id: subentry
        for subentry in entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_VEHICLE and subentry.unique_id
    }


def accepted_vehicles(entry: ConfigEntry) -> dict[str, Mapping[str, object]]:
    """Return what the user entered of the vehicles that were added, by their ids."""
    return {
        vehicle_id: subentry.data
        for vehicle_id, subentry in vehicle_subentries(entry).items()
    }


def base_url(entered: str) -> str:
    """Return the base URL of a server: what was entered, with https where it says none.

    Raises InvalidArgument for what is no URL.
    """
    text = entered.strip()
    if "://" not in text:
        text = f"https://{text}"
    if any(map(str.isspace, text)):
        raise InvalidArgument("No URL", key="invalid_server")
    try:
        url = URL(text)
        # Whether the host's name is valid shows only when it is read.
        is_server = url.scheme in ("http", "https") and url.host
    except ValueError:
        raise InvalidArgument("No URL", key="invalid_server") from None
    if not is_server or url.query_string or url.fragment:
        raise InvalidArgument("No URL", key="invalid_server")
    return text.rstrip("/")
