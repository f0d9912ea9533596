"""Tests of the choice of a server, which is the same for all vendors that have some."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import async_get_clientsession
import pytest
import voluptuous as vol

from custom_components.fleet_tracker.contract.errors import InvalidArgument
from custom_components.fleet_tracker.offer.servers import ChosenServer, Servers
from tests.common import cloud_entry, other_server, set_up
from tests.neutral_vendor import Clouds

SERVERS = Servers(
    translation_key="some", known={"a": "https://a.example", "b": "http://b.example"}
)
AUTOMATIC = Servers(
    translation_key="some", known={"a": "https://a.example"}, automatic=True
)


@pytest.mark.parametrize(
    ("entered", "chosen"),
    [
        ({"server": "b", "own_server": {}}, ChosenServer("http://b.example")),
        # What was typed for another server does not count then.
        (
            {**other_server("http://c", verify_ssl=False), "server": "a"},
            ChosenServer("https://a.example"),
        ),
        (other_server("c.example"), ChosenServer("https://c.example")),
        (
            other_server("https://c", verify_ssl=False),
            ChosenServer("https://c", verify_ssl=False),
        ),
        # the data of an entry, when only the password is asked again
        (
            {"server": "https://c", "verify_ssl": False},
            ChosenServer("https://c", verify_ssl=False),
        ),
        ({"server": "automatic", "own_server": {}}, None),
    ],
)
def test_chosen(entered: dict[str, Any], chosen: ChosenServer | None) -> None:
    """By its name, or by an address, of whose certificate the user decides."""
    assert SERVERS.chosen(entered) == chosen


@pytest.mark.parametrize("own", [{}, {"address": ""}, {"address": "no address"}])
def test_no_address(own: dict[str, str]) -> None:
    """Another server needs one."""
    with pytest.raises(InvalidArgument):
        SERVERS.chosen({"server": "other", "own_server": own})


@pytest.mark.parametrize(
    ("servers", "defaults", "shown"),
    [
        (SERVERS, {}, ("a", None, True)),
        (SERVERS, {"server": "http://b.example"}, ("b", None, True)),
        (
            SERVERS,
            {"server": "https://c", "verify_ssl": False},
            ("other", "https://c", False),
        ),
        (AUTOMATIC, {}, ("automatic", None, True)),
        (AUTOMATIC, {"server": "https://n"}, ("automatic", None, True)),
    ],
)
def test_shown(
    servers: Servers, defaults: dict[str, Any], shown: tuple[str, str | None, bool]
) -> None:
    """The form shows what an account has; the section is open where it holds something."""
    fields = servers.fields(defaults, "https://n")
    (server, own) = fields
    form = fields[own]
    address, verify = form.schema.schema
    filled_in = vol.Schema({server: str})({}) | vol.Schema({verify: bool})({})
    found = (filled_in["server"], address.description["suggested_value"])
    assert (*found, filled_in["verify_ssl"]) == shown
    assert form.options["collapsed"] is (shown[0] != "other")


@pytest.mark.parametrize("verify_ssl", [True, False])
async def test_certificate(
    hass: HomeAssistant, clouds: Clouds, *, verify_ssl: bool
) -> None:
    """An account is asked by a session that checks certificates, or does not."""
    entry = cloud_entry()
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "verify_ssl": verify_ssl}
    )
    await set_up(hass, entry)
    session = async_get_clientsession(hass, verify_ssl=verify_ssl)
    assert entry.runtime_data.session is session
