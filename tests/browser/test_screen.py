"""Tests of what the other tests look through."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import WebSocketRoute
import pytest

from .screen import IS_DARK, Screen


class LateConfiguration:
    """A connection on which the themes come before the configuration."""

    def __init__(self, screen: Screen) -> None:
        """Take over the next connection of a page."""
        self.held: list[Any] = []
        self._late: set[int] = set()
        screen.page.route_web_socket("**/api/websocket", self._connect)

    def _connect(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()

        def ask(message: str | bytes) -> None:
            self._late |= {
                one["id"] for one in parts(message) if one.get("type") == "get_config"
            }
            server.send(message)

        def answer(message: str | bytes) -> None:
            for one in parts(message):
                if one.get("id") in self._late and one["type"] == "result":
                    self.held.append(one)
                    continue
                page.send(json.dumps(one))
                if self.held and "default_theme" in str(one.get("result")):
                    page.send(json.dumps(self.held))
                    self.held.clear()

        page.on_message(ask)
        server.on_message(answer)


def parts(message: str | bytes) -> list[dict[str, Any]]:
    """Return what a message of the connection holds: one command or answer, or many."""
    read = json.loads(message)
    return read if isinstance(read, list) else [read]


@pytest.mark.newest("Home Assistant 2025 fails by itself without its configuration")
@pytest.mark.parametrize("dark", [False, True])
def test_look_while_the_configuration_is_late(screen: Screen, *, dark: bool) -> None:
    """Home Assistant has not decided on its colors then, and can be looked at all the same."""
    late = LateConfiguration(screen)
    screen.open("/config/integrations/dashboard")
    assert not late.held
    screen.look(dark=dark, phone=True)
    assert screen.page.evaluate(IS_DARK) == dark
