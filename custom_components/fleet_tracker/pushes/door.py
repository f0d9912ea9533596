"""The HTTP doors for pushes: one behind a secret, and the root paths that a user allows.

Whoever knocks is hostile until the vendor's connection has verified the push. No answer
is ever 401: Home Assistant would ban the vendor's address for it.
"""

from __future__ import annotations

from collections.abc import Iterable
import hmac
from http import HTTPStatus

from aiohttp import web
from homeassistant.components.http import HomeAssistantView
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import NoURLAvailableError, get_url

from ..account.coordinator import FleetCoordinator
from ..const import CONF_PUSH_AT_ROOT, CONF_PUSH_SECRET, CONF_VENDOR, DOMAIN
from ..contract.pushes import PushAnswer, PushRequest
from ..vendors import VENDORS
from .body import BodyReader, BodyRefused

PUSH_PATH = f"/api/{DOMAIN}/push"


@callback
def async_register_push_views(hass: HomeAssistant) -> None:
    """Open the doors. Until an entry is loaded they find no account."""
    bodies = BodyReader()
    hass.http.register_view(SecretPushView(hass, bodies))
    for vendor in VENDORS.values():
        for path in vendor.push_root_paths:
            hass.http.register_view(RootPushView(hass, bodies, vendor.key, path))


def push_url(hass: HomeAssistant, secret: str) -> str | None:
    """Return the base URL that a vendor can push to, None without an external URL."""
    try:
        base = get_url(hass, allow_internal=False, allow_ip=True, allow_cloud=True)
    except NoURLAvailableError:
        return None
    return f"{base}{PUSH_PATH}/{secret}"


class SecretPushView(HomeAssistantView):
    """The door for pushes below a path with the secret of an entry."""

    url = f"{PUSH_PATH}/{{secret}}{{path:(?:/.*)?}}"
    name = f"api:{DOMAIN}:push"
    requires_auth = False

    def __init__(self, hass: HomeAssistant, bodies: BodyReader) -> None:
        """Initialize with Home Assistant: each request looks its entry up."""
        self._hass = hass
        self._bodies = bodies

    async def get(self, request: web.Request, secret: str, path: str) -> web.Response:
        """Answer a probe."""
        return await self._async_pass(request, secret, path)

    async def post(self, request: web.Request, secret: str, path: str) -> web.Response:
        """Pass a push to the entry with this secret."""
        return await self._async_pass(request, secret, path)

    async def _async_pass(
        self, request: web.Request, secret: str, path: str
    ) -> web.Response:
        entries = [
            entry
            for entry in self._hass.config_entries.async_entries(
                DOMAIN, include_ignore=False
            )
            if hmac.compare_digest(
                str(entry.data.get(CONF_PUSH_SECRET, "")).encode(), secret.encode()
            )
        ]
        return await _async_answer(request, self._bodies, entries, path, at_root=False)


class RootPushView(HomeAssistantView):
    """A door at the root, for vendors that can only call there. Closed by default."""

    requires_auth = False

    def __init__(
        self, hass: HomeAssistant, bodies: BodyReader, vendor_key: str, path: str
    ) -> None:
        """Initialize with the path and its vendor."""
        self._hass = hass
        self._bodies = bodies
        self._vendor_key = vendor_key
        self._path = self.url = path
        self.name = f"{DOMAIN}:{vendor_key}:{path}"

    async def get(self, request: web.Request) -> web.Response:
        """Answer a probe; while the door is closed, with 404."""
        return await self._async_pass(request)

    async def post(self, request: web.Request) -> web.Response:
        """Pass a push to the account that knows it."""
        return await self._async_pass(request)

    async def _async_pass(self, request: web.Request) -> web.Response:
        entries = [
            entry
            for entry in self._hass.config_entries.async_entries(
                DOMAIN, include_ignore=False
            )
            if entry.data[CONF_VENDOR] == self._vendor_key
            and entry.options.get(CONF_PUSH_AT_ROOT, False)
        ]
        return await _async_answer(
            request, self._bodies, entries, self._path, at_root=True
        )


async def _async_answer(
    request: web.Request,
    bodies: BodyReader,
    entries: Iterable[ConfigEntry],
    path: str,
    *,
    at_root: bool,
) -> web.Response:
    """Ask the entries in turn; the first that knows the push answers it."""
    entries = list(entries)
    if not entries:
        return web.Response(status=HTTPStatus.NOT_FOUND)
    loaded = [entry for entry in entries if _takes_pushes(entry)]
    if not loaded:
        return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    try:
        content_type, body = await bodies.read(request)
    except BodyRefused as refusal:
        response = web.Response(status=refusal.status)
        # The rest of the body is not read.
        response.force_close()
        return response
    push = PushRequest(
        method=request.method,
        path=path,
        content_type=content_type,
        body=body,
        remote=request.remote or "",
        at_root=at_root,
    )
    # The path may belong to an account that is not loaded yet.
    everybody = len(loaded) == len(entries)
    unknown = HTTPStatus.NOT_FOUND if everybody else HTTPStatus.SERVICE_UNAVAILABLE
    answer = PushAnswer(status=unknown)
    for entry in loaded:
        # After a wait the entry may have been reloaded, and have another one.
        coordinator: FleetCoordinator = entry.runtime_data
        found = await coordinator.connection.receive_push(push)
        if found.status != HTTPStatus.NOT_FOUND:
            answer = found
            if found.verified:
                coordinator.note_push()
            if found.status == HTTPStatus.OK and not (
                await coordinator.async_keep_received()
            ):
                # The occurrence fires all the same; the repeated push is a replay.
                answer = PushAnswer(status=HTTPStatus.SERVICE_UNAVAILABLE)
            break
    if answer.body is None:
        return web.Response(status=answer.status)
    return web.json_response(answer.body, status=answer.status)


def _takes_pushes(entry: ConfigEntry) -> bool:
    """Tell whether an entry can take pushes: from when its vehicles are known.

    Its set-up may still wait for a vendor that is down.
    """
    coordinator = getattr(entry, "runtime_data", None)
    return (
        entry.state in (ConfigEntryState.LOADED, ConfigEntryState.SETUP_IN_PROGRESS)
        and isinstance(coordinator, FleetCoordinator)
        and coordinator.takes_pushes
    )
