"""A Home Assistant with a configuration of its own, and the way to its API."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
import hashlib
import hmac
from importlib.metadata import version
import json
import os
from pathlib import Path
import secrets
import shutil
import sys
import time
from types import TracebackType
from typing import Any, Self

import aiohttp
from homeassistant.util.yaml import parse_yaml

from tests.simulators.world import HOME, HOME_ZONE

from .processes import Child

ROOT = Path(__file__).parent.parent.parent
CONFIGURATION = Path(__file__).parent / "configuration"
DOMAIN = "fleet_tracker"
VERSION = version("homeassistant")

START_TIMEOUT = 300
STOP_TIMEOUT = 30
RESTART = 100
"""The exit status by which Home Assistant asks to be started again."""


class DemoError(Exception):
    """The demo cannot go on; the text is for the user."""


class CommandRefused(DemoError):
    """Home Assistant refused a command; `key` names the text if it is one to translate."""

    def __init__(self, kind: str, error: Mapping[str, Any]) -> None:
        """Initialize with the error of the answer."""
        self.text: str = error["message"]
        self.key: str = error.get("translation_key") or ""
        self.placeholders: Mapping[str, str] = (
            error.get("translation_placeholders") or {}
        )
        super().__init__(f"{kind}: {self.text}")


class HomeAssistant:
    """A Home Assistant that runs on loopback from a folder of its own."""

    configuration = CONFIGURATION
    """The folder of files for its configuration."""

    def __init__(self, folder: Path, port: int) -> None:
        """Initialize with the folder made by `configure`."""
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.child = Child("Home Assistant", folder / "demo.log")
        self._port = port
        self._session: aiohttp.ClientSession | None = None
        self._messages = 0

    # --- configuration

    def configure(self) -> None:
        """Write what Home Assistant needs to start as if onboarding were done.

        A folder that is there already keeps its state: who may log in, the accounts and
        what was recorded.
        """
        custom = self.folder / "custom_components"
        custom.mkdir(parents=True, exist_ok=True)
        # A package with a file of its own comes before one of the same name elsewhere.
        (custom / "__init__.py").touch()
        integration = custom / DOMAIN
        integration.unlink(missing_ok=True)
        integration.symlink_to(ROOT / "custom_components" / DOMAIN)
        shutil.copytree(self.configuration, self.folder, dirs_exist_ok=True)
        (self.folder / "secrets.yaml").write_text(
            f"latitude: {HOME.latitude}\n"
            f"longitude: {HOME.longitude}\n"
            f"radius: {HOME_ZONE.radius}\n"
            f"external_url: {self.url}\n",
            encoding="utf-8",
        )
        storage = self.folder / ".storage"
        storage.mkdir(exist_ok=True)
        self._configure_http(storage)
        self._store(
            storage / "onboarding",
            4,
            {"done": ["user", "core_config", "analytics", "integration"]},
        )
        if not (storage / "auth").exists():
            self._configure_login(storage)
            self._configure_first_page(storage)

    def _configure_first_page(self, storage: Path) -> None:
        """Make the fleet's dashboard the page that is opened first.

        Home Assistant 2025 shows it as *Overview*; 2026.11 makes a dashboard of its own of
        it at the start, and the default one. A configuration without one has none.
        """
        file = self.configuration / "dashboard.yaml"
        if file.exists():
            self._store(
                storage / "lovelace",
                1,
                {"config": parse_yaml(file.read_text(encoding="utf-8"))},
            )

    def _configure_http(self, storage: Path) -> None:
        """Bind Home Assistant to loopback: in YAML, or from 2026.11 on in its storage.

        YAML that it found there would be tried, and given up five minutes later unless
        somebody confirms it.
        """
        package = self.folder / "packages"
        package.mkdir(exist_ok=True)
        if tuple(map(int, VERSION.split(".")[:2])) < (2026, 11):
            (package / "http.yaml").write_text(
                f"http:\n  server_host: 127.0.0.1\n  server_port: {self._port}\n",
                encoding="utf-8",
            )
            return
        stable = {
            "server_host": ["127.0.0.1"],
            "server_port": self._port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": True,
            "ssl_profile": "intermediate_v6",
            "use_x_frame_options": True,
            "created_at": "2026-01-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        }
        self._store(
            storage / "http",
            3,
            {"stable": stable, "pending": None, "yaml_migration_done": True},
        )

    def _configure_login(self, storage: Path) -> None:
        """Create the only user, which loopback logs in, and a token for the API."""
        user, token_id, key = (secrets.token_hex(size) for size in (16, 16, 64))
        now = int(time.time())
        self._store(
            storage / "auth",
            1,
            {
                "users": [
                    {
                        "id": user,
                        "name": "Demo",
                        "group_ids": ["system-admin"],
                        "is_owner": True,
                        "is_active": True,
                        "system_generated": False,
                        "local_only": True,
                    }
                ],
                "groups": [
                    {"id": "system-admin", "name": "Administrators"},
                    {"id": "system-users", "name": "Users"},
                    {"id": "system-read-only", "name": "Read Only"},
                ],
                "credentials": [],
                "refresh_tokens": [
                    {
                        "id": token_id,
                        "user_id": user,
                        "client_id": None,
                        "client_name": "script/demo",
                        "client_icon": None,
                        "token_type": "long_lived_access_token",
                        "created_at": "2026-01-01T00:00:00+00:00",
                        "access_token_expiration": 10 * 365 * 86_400,
                        "token": secrets.token_hex(64),
                        "jwt_key": key,
                        "last_used_at": None,
                        "last_used_ip": None,
                        "expire_at": None,
                        "credential_id": None,
                        "version": VERSION,
                    }
                ],
            },
        )
        claims = {"iss": token_id, "iat": now, "exp": now + 10 * 365 * 86_400}
        token = self.folder / "token"
        token.touch(mode=0o600)
        token.write_text(sign(claims, key), encoding="ascii")

    @staticmethod
    def _store(path: Path, major: int, data: object) -> None:
        """Write a file as Home Assistant's storage does."""
        path.write_text(
            json.dumps(
                {"version": major, "minor_version": 1, "key": path.name, "data": data}
            ),
            encoding="utf-8",
        )

    # --- life

    async def start(self) -> None:
        """Start it, and return when it runs.

        Raises DemoError, with the end of the log, when that fails.
        """
        token = (self.folder / "token").read_text(encoding="ascii")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                self.url, headers={"Authorization": f"Bearer {token}"}
            )
        await self.child.start(
            *(sys.executable, "-m", "homeassistant", "--config", str(self.folder)),
            *("--skip-pip", "--log-no-color"),
            cwd=self.folder,
            environment=dict(os.environ),
        )
        begin = told = time.monotonic()
        while not await self._is_running():
            if self.child.exit_status is not None:
                raise DemoError(self._failure("Home Assistant ended while starting"))
            now = time.monotonic()
            if now - begin > START_TIMEOUT:
                raise DemoError(self._failure("Home Assistant does not start"))
            if now - told > 10:
                told = now
                print(f"  still starting, {now - begin:.0f} s", flush=True)
            await asyncio.sleep(0.3)

    async def _is_running(self) -> bool:
        assert self._session is not None
        try:
            async with self._session.get("/api/config") as response:
                if response.status != 200:
                    return False
                configuration = await response.json()
        except aiohttp.ClientError:
            return False
        return bool(configuration["state"] == "RUNNING")

    def _failure(self, what: str) -> str:
        return "\n".join([f"{what}. Its last words:", *self.child.last_lines()])

    async def run(self) -> None:
        """Return when Home Assistant ended by itself; restart it when it asks for it."""
        while await self.child.wait() == RESTART:
            print("Home Assistant restarts", flush=True)
            await self.start()
        raise DemoError(self._failure("Home Assistant ended"))

    async def __aenter__(self) -> Self:
        """Start."""
        try:
            await self.start()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        await self.stop()

    async def stop(self) -> None:
        """Stop it, by force if it does not listen."""
        if self._session:
            await self._session.close()
            self._session = None
        await self.child.stop(STOP_TIMEOUT)

    # --- API

    async def get(self, path: str) -> Any:
        """Return the answer of the REST API, which lies below /api/."""
        assert self._session is not None
        async with self._session.get(f"/api/{path}") as response:
            return await _answer(response)

    async def read(self, path: str) -> bytes:
        """Return a file whose whole path Home Assistant told."""
        assert self._session is not None
        async with self._session.get(path) as response:
            if response.status != 200:
                raise DemoError(f"{response.url.path}: {response.status}")
            return await response.read()

    async def post(self, path: str, body: object) -> Any:
        """Send something to the REST API and return its answer."""
        assert self._session is not None
        async with self._session.post(f"/api/{path}", json=body) as response:
            return await _answer(response)

    async def command(self, kind: str, **values: object) -> Any:
        """Return the answer to a command of the WebSocket API.

        Raises CommandRefused when it is not a success.
        """
        assert self._session is not None
        token = (self.folder / "token").read_text(encoding="ascii")
        async with self._session.ws_connect(
            "/api/websocket", max_msg_size=0
        ) as connection:
            await connection.receive_json()
            await connection.send_json({"type": "auth", "access_token": token})
            await connection.receive_json()
            await connection.send_json({"id": 1, "type": kind, **values})
            answer = await connection.receive_json()
        if not answer["success"]:
            raise CommandRefused(kind, answer["error"])
        return answer["result"]


async def _answer(response: aiohttp.ClientResponse) -> Any:
    """Return the JSON of an answer. Raises DemoError when it is not a success."""
    if response.status >= 400:
        raise DemoError(
            f"{response.method} {response.url.path}: {response.status} "
            f"{await response.text()}"
        )
    return await response.json()


def sign(claims: dict[str, object], key: str) -> str:
    """Return a JSON web token (HS256)."""

    def encode(data: bytes) -> str:
        return base64.urlsafe_b64encode(data).decode().rstrip("=")

    header = {"alg": "HS256", "typ": "JWT"}
    message = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
    signature = hmac.digest(key.encode(), message.encode(), hashlib.sha256)
    return f"{message}.{encode(signature)}"
