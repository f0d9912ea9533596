"""The defaults of a vendor that implements no more than it must."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

import aiohttp
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
import pytest
import voluptuous as vol

from custom_components.fleet_tracker.contract.commands import (
    HARMLESS,
    Clearance,
    Command,
    CommandResult,
)
from custom_components.fleet_tracker.contract.connection import (
    Connection,
    Memory,
    PollResult,
    Settings,
)
from custom_components.fleet_tracker.contract.errors import (
    CommandUnsupported,
    InvalidArgument,
    VehicleOffline,
    VendorError,
)
from custom_components.fleet_tracker.contract.pushes import PushRequest
from custom_components.fleet_tracker.model.vehicle import ReadingGroup, VehicleUpdate
from custom_components.fleet_tracker.offer.flow import (
    Account,
    AddedVehicle,
    Input,
    VehicleFlow,
    VendorFlow,
    base_url,
)
from tests.common import cloud_entry
from tests.vendors.fake_host import START, FakeHost


class Least(Connection):
    """A connection with the least that it must have."""

    async def poll(self) -> PollResult:
        """Tell nothing."""
        return PollResult()

    async def look(self, vehicle_id: str) -> VehicleUpdate:
        """See nothing."""
        return VehicleUpdate(vehicle_id=vehicle_id)

    async def execute(
        self, vehicle_id: str, command: Command, clearance: Clearance = HARMLESS
    ) -> CommandResult:
        """Do nothing."""
        return CommandResult()


class LeastFlow(VendorFlow):
    """A flow with the least that it must have."""

    def form(self, name: str, defaults: Input) -> vol.Schema:
        """Ask nothing."""
        return vol.Schema({})

    async def async_check(
        self,
        hass: HomeAssistant,
        user_input: Input,
        entry: ConfigEntry | None,
        kept: Memory,
    ) -> Account:
        """Accept anything."""
        return Account(title="", unique_id="", identity="", data={})


class LeastVehicleFlow(VehicleFlow):
    """A flow for vehicles with the least that it must have."""

    def form(self, defaults: Input) -> vol.Schema:
        """Ask nothing."""
        return vol.Schema({})

    def settings_form(self, defaults: Input) -> vol.Schema:
        """Ask nothing."""
        return vol.Schema({})

    async def async_check(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        user_input: Input,
        connection: Connection | None,
    ) -> AddedVehicle:
        """Accept anything."""
        return AddedVehicle(vehicle_id="", title="", data={})


@pytest.mark.parametrize(
    ("readings", "seconds"),
    [
        ({}, 60),
        ({"moving": False, "ignition": False}, 60),
        ({"moving": True}, 15),
        ({"ignition": True, "moving": False}, 15),
    ],
)
async def test_connection(readings: Mapping[str, bool], seconds: int) -> None:
    """It stops nobody, takes no push, and is polled at the pace of the settings."""
    async with aiohttp.ClientSession() as session:
        host = FakeHost(session)
        settings = Settings(
            data={},
            options={},
            vehicles={},
            driving_interval=timedelta(seconds=15),
            parked_interval=timedelta(seconds=60),
        )
        connection = Least(settings, host)
        await connection.open()
        host.receive([_told(readings)])
        assert connection.poll_interval() == timedelta(seconds=seconds)
        assert not connection.can_stop("1", Command("anything"))
        push = PushRequest(
            method="POST", path="/", content_type="", body=b"{}", remote=""
        )
        assert (await connection.receive_push(push)).status == HTTPStatus.NOT_FOUND
        await connection.vehicles_changed({})
        assert await connection.solve("anything") == {}
        assert connection.diagnostics() == {}
        assert connection.methods == {}
        with pytest.raises(CommandUnsupported):
            await connection.call_method("anything", {})
        await connection.close()


def _told(readings: Mapping[str, bool]) -> VehicleUpdate:
    return VehicleUpdate(
        vehicle_id="1",
        groups=(ReadingGroup(name="s", measured_at=START, readings=readings),),
    )


def test_flow() -> None:
    """It has one form, and no options of its own."""
    flow, vehicles = LeastFlow(), LeastVehicleFlow()
    assert (flow.further_forms, flow.vehicles) == ((), None)
    assert flow.options_form(cloud_entry()) == {}
    assert flow.placeholders("") == flow.options_error({}) == {}
    assert flow.reauth_form() is None
    assert vehicles.accept_form() is None


def test_error_has_a_translation_key_and_a_text() -> None:
    """By the key of its class, or a closer one; and something to the log."""
    error = VehicleOffline()
    assert (error.translation_key, str(error)) == ("vehicle_offline", "vehicle_offline")
    closer = VendorError("Code 7", key="closer", placeholders={"code": "7"})
    assert (closer.translation_key, closer.placeholders) == ("closer", {"code": "7"})
    assert str(closer) == "Code 7"


@pytest.mark.parametrize(
    ("entered", "url"),
    [
        ("example.org", "https://example.org"),
        (" http://example.org:81/path/ ", "http://example.org:81/path"),
        ("https://example.org", "https://example.org"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_base_url(entered: str, url: str) -> None:
    """A server address that a user may enter."""
    assert base_url(entered) == url


@pytest.mark.parametrize(
    "entered",
    [
        "",
        "ftp://example.org",
        "http://[half",
        "https://?a=b",
        "http://x?a=b",
        "http://x#a",
        "http://x y",
        "http://x:99999",
        "http://xn--",
    ],
)
def test_no_base_url(entered: str) -> None:
    """A text that is no address."""
    with pytest.raises(InvalidArgument) as caught:
        base_url(entered)
    assert caught.value.translation_key == "invalid_server"
