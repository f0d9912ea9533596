"""Tests of adding and changing accounts by clicking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
import re
import socket

from playwright.sync_api import expect
import pytest

from tests.simulators.open_api_fleet import DEMO_ACCOUNT, DEMO_PASSWORD
from tests.simulators.segway import DEMO_CLIENT_SECRET
from tests.simulators.segway_mopeds import DEMO_PARKED
from tests.simulators.tracksolid import ACCOUNT, APP_KEY, APP_SECRET, PASSWORD
from tests.simulators.vt3 import DEMO_SERIALS

from .demo import free_port, running_simulator, tell_simulator, wait_for
from .screen import Screen

SEGWAY_CLIENT = "E20099"
NEW_PASSWORD = "Changed@2026"


@pytest.fixture(scope="module", name="open_api")
def a_server_of_the_open_api() -> Iterator[str]:
    """Return the address of a server beside the demo's."""
    with running_simulator("tests.simulators.open_api") as port:
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module", name="tracksolid")
def a_node_of_tracksolid() -> Iterator[str]:
    """Return the address of a node beside the demo's."""
    with running_simulator("tests.simulators.tracksolid") as port:
        yield f"http://localhost:{port}"


@pytest.fixture(scope="module", name="segway")
def a_server_of_segway() -> Iterator[str]:
    """Return the address of a server beside the demo's, with another client."""
    with running_simulator(
        "tests.simulators.segway", "--client-id", SEGWAY_CLIENT
    ) as port:
        yield f"http://localhost:{port}"


@pytest.fixture(autouse=True)
def phone(screen: Screen) -> None:
    """Fill in all forms on a phone: what is wrong has to be seen there without scrolling."""
    screen.hold_phone()


def choose_other_server(screen: Screen, address: str) -> None:
    """Choose none of the servers by name, and enter an address."""
    screen.choose("server", "Another server")
    screen.unfold("Another server")
    screen.fill(address=address)


@pytest.mark.core
def test_add_open_api(screen: Screen, open_api: str) -> None:
    """A wrong password is told; all that was typed is still there, and is corrected."""
    screen.add_account("ProTrack, iTrack, eTrack")
    choose_other_server(screen, open_api)
    screen.fill(account=DEMO_ACCOUNT, password="wrong")
    screen.submit()
    screen.read_error("The account or password is wrong")
    assert screen.typed("account") == DEMO_ACCOUNT
    assert screen.typed("address") == open_api

    screen.fill(password=DEMO_PASSWORD)
    screen.submit()
    screen.finish()
    assert screen.has_account(f"{DEMO_ACCOUNT} (localhost)")


def test_reconfigure(screen: Screen) -> None:
    """What is wrong is told at its field; what was typed is still there, and it ends in words."""
    screen.reconfigure(screen.demo.open_api)
    assert screen.typed("account") == DEMO_ACCOUNT
    screen.fill(password="wrong")
    screen.submit()
    screen.read_error("The account or password is wrong")
    address = screen.typed("address")
    screen.unfold("Another server")
    screen.fill(password=DEMO_PASSWORD, address="ftp://nowhere")
    screen.submit()
    screen.read_error("This is not a web address")

    screen.fill(address=address)
    screen.submit()
    screen.read("The account was changed")
    screen.finish()


def test_log_in_again(screen: Screen) -> None:
    """Where the password was changed a card asks for it, and is gone once it is right."""
    title = f"{DEMO_ACCOUNT} (localhost)"
    with running_simulator("tests.simulators.open_api") as port:
        entry_id = screen.demo.add_open_api(port)
        tell_simulator(port, f"?password={NEW_PASSWORD}")
        screen.open("/")
        wait_for(lambda: screen.is_asked_to_log_in(entry_id), "the vendor to refuse")
        screen.open("/config/integrations/dashboard")
        card = screen.page.locator("ha-config-flow-card").filter(has_text=title)
        card.get_by_text("Reconfigure", exact=True).first.click()
        screen.read(f"The vendor refused the login of {title}")
        screen.fill(password=DEMO_PASSWORD)
        screen.submit()
        screen.read_error("The account or password is wrong")

        screen.fill(password=NEW_PASSWORD)
        screen.submit()
        screen.read("You are logged in again")
        screen.finish()
        expect(card).to_have_count(0)
        wait_for(lambda: screen.is_reachable(entry_id), "the account to be read")


def test_add_tracksolid(screen: Screen, tracksolid: str) -> None:
    """A wrong app key is told; then where to push to is shown, and choices asked."""
    screen.add_account("Tracksolid Pro")
    choose_other_server(screen, tracksolid)
    # A wrong secret or password would cost a minute, as at the vendor.
    screen.fill(app_key="wrong", app_secret=APP_SECRET)
    screen.fill(account=ACCOUNT, password=PASSWORD)
    screen.submit()
    screen.read_error("This server does not know the app key")

    screen.fill(app_key=APP_KEY)
    screen.submit()
    screen.wait_for_field("push_address")
    assert screen.typed("push_address").startswith(screen.demo.url)
    screen.submit()
    screen.wait_for_field("sub_accounts")
    screen.submit()
    screen.finish()
    assert screen.has_account(f"{ACCOUNT} (localhost)")


def test_add_segway(screen: Screen, segway: str) -> None:
    """A wrong secret is told; then where to push to is shown, and a vehicle added."""
    screen.add_account("Segway")
    choose_other_server(screen, segway)
    screen.fill(client_id=SEGWAY_CLIENT, client_secret="wrong")
    screen.submit()
    screen.read_error("Segway does not accept this client ID and secret")

    screen.fill(client_secret=DEMO_CLIENT_SECRET)
    screen.submit()
    screen.wait_for_field("push_address")
    screen.submit()
    if screen.demo.is_oldest:
        screen.read("Add vehicle")
        screen.finish()
        return
    screen.wait_for_field("iot_imei")
    screen.fill(iot_imei="123")
    screen.submit()
    screen.read_error("Segway finds no vehicle with this IoT IMEI")
    screen.fill(iot_imei=DEMO_PARKED, name="Second moped")
    screen.submit()
    screen.finish()
    assert screen.has_account(f"Segway {SEGWAY_CLIENT}")


def test_add_vt3(screen: Screen) -> None:
    """A port in use is told and can be corrected; then a tracker is added, and set up."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        screen.add_account("InHand VT3")
        screen.fill(port="0", host="127.0.0.1")
        screen.submit()
        screen.read_error(
            "0 cannot be used here. Enter a whole number from 1 to 65535."
        )
        screen.fill(port=str(taken.getsockname()[1]), host="127.0.0.1")
        screen.submit()
        screen.read_error("Another program uses this port")
        assert screen.typed("host") == "127.0.0.1"

    port = str(free_port())
    screen.fill(port=port)
    screen.submit()
    if screen.demo.is_oldest:
        screen.read("Add vehicle")
        screen.finish()
        return
    screen.wait_for_field("vehicle_id")
    screen.fill(vehicle_id=" ")
    screen.submit()
    screen.read_error("Fill in this field")
    screen.fill(vehicle_id="not a serial number")
    screen.submit()
    screen.read_error("This is not a serial number")
    screen.fill(vehicle_id="VT9000000001", name="Crane")
    screen.submit()
    screen.read(re.compile(rf"Port: {port}"))
    screen.finish()


def test_settings(screen: Screen) -> None:
    """Settings are in sections; what is wrong is told, and the rest is still there."""
    screen.configure(screen.demo.tracksolid, "Settings")
    screen.unfold("Advanced")
    screen.fill(hub_url="no address")
    screen.unfold("How often the account is read")
    screen.fill(parked_interval="90")
    screen.submit()
    screen.read_error("The instruction host is not a web address")
    assert screen.typed("parked_interval") == "90"

    screen.fill(hub_url="")
    screen.unfold("How often the account is read")
    screen.fill(parked_interval="99999")
    screen.submit()
    screen.read_error("99999 cannot be used here")
    screen.fill(parked_interval="60")
    screen.submit()
    screen.finish()


def test_push_address(screen: Screen) -> None:
    """The address stands in a field, whole, and can be marked and copied."""
    screen.configure(screen.demo.tracksolid, "Address to push to")
    address = screen.typed("push_address")
    assert address.startswith(f"{screen.demo.url}/api/fleet_tracker/push/")
    field = screen.field("push_address").locator("textarea").first
    field.press("ControlOrMeta+a")
    marked = field.evaluate("one => one.selectionEnd - one.selectionStart")
    assert marked == len(address)


def test_discovered_tracker(screen: Screen) -> None:
    """A tracker that nobody added shows a card, and is added by accepting it."""
    screen.open("/config/integrations/dashboard")
    card = screen.page.locator("ha-config-flow-card").filter(has_text=DEMO_SERIALS[1])
    card.first.wait_for()
    card.get_by_text("Add", exact=True).first.click()
    screen.read("Add it only if it is yours")
    screen.fill(name="Lorry")
    screen.submit()
    screen.read("The vehicle was added")
    screen.finish()
    expect(card).to_have_count(0)
    wait_for(lambda: screen.has_vehicle("Lorry"), "the device of the lorry")
