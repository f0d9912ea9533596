"""Every endpoint of the Segway API (`segway-emoped`) as a typed method.

Values are checked before they are sent. At most four requests are in flight. The token is
renewed before it expires, and once when it is refused, and outlives a restart.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import aiohttp

from ...contract.commands import HARMLESS, Clearance
from ...contract.connection import Memory
from ...contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    CommandUnconfirmed,
    InvalidAnswer,
    InvalidArgument,
    RateLimited,
    VendorError,
)
from ...model.json_values import Json, Record
from ...transport import http_client
from ...transport.http_client import HttpClient, read_json
from ...transport.token_fetch import TokenFetch
from .endpoints import (
    BATTERY_COVER,
    BATTERY_INFO,
    BLUETOOTH_KEY,
    END_RENTAL,
    EXTRA_STATUS,
    LOCATION,
    LOCK,
    SADDLE,
    SET_AMBIENT,
    SET_BLUETOOTH_KEY,
    SET_FEATURES,
    SET_INTERVAL,
    SET_LIGHT,
    SET_RENTAL,
    SET_SOUNDS,
    SET_SPEED_MODE,
    SET_SWITCHES,
    SET_TIME,
    SOUND,
    START_RENTAL,
    STATUS,
    TAILBOX,
    THROTTLE_RESPONSE,
    UNLOCK,
    Endpoint,
)
from .errors import (
    SUCCESS,
    TOKEN_REFUSED,
    WARNINGS,
    EndpointMissing,
    NoAnswer,
    NotSegway,
    ServerError,
    UnknownCode,
    error_for,
)
from .settings import (
    AmbientSetting,
    FeatureSetting,
    LightSetting,
    RentalSetting,
    Setting,
    SoundSetting,
    SwitchSetting,
    TimeSetting,
    UploadInterval,
    check_bluetooth_key,
    check_imei,
    check_number,
)

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "A": "https://apac-api.segwaydiscovery.com",
        "E": "https://eu-api.segwaydiscovery.com",
        "U": "https://us-api.segwaydiscovery.com",
        "C": "https://cn-api.segwaydiscovery.com",
    }
)
"""The servers, by the first letter of the client ID (the document's first table)."""

REQUESTS_AT_ONCE = 4
RENEW_BEFORE = timedelta(seconds=300)
"""A renewed token and the one before are both good for so long (chapter Auth)."""
RENEW_AGAIN_AFTER = timedelta(seconds=60)

QUERY_TIMEOUT = 30
COMMAND_TIMEOUT = 45
"""Commands are answered when the vehicle has carried them out, which takes seconds."""

_TOKEN = "token"
_LONGEST_TOKEN = 10 * 365 * 86_400
_OAUTH_REFUSALS = frozenset({"invalid_client", "unauthorized_client", "unauthorized"})
_WHERE_NO_TOKEN_HELPS = frozenset({"invalid_client", "unauthorized_client"})
# Failures that may pass soon and do not prove the credentials wrong.
_RENEWAL_FAILURES = (CannotConnect, InvalidAnswer, RateLimited)


def region_of(client_id: str) -> str:
    """Return the first letter of a client ID, which names its region."""
    return client_id[:1].upper()


def server_for(client_id: str) -> str:
    """Return the base URL of the region that a client ID names by its first letter.

    Raises InvalidArgument if it names none.
    """
    if (url := REGIONS.get(region_of(client_id))) is None:
        raise InvalidArgument("Unknown region", key="segway_unknown_region")
    return url


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account: the client ID (the platform code) and secret, and its server."""

    client_id: str
    client_secret: str = field(repr=False)
    server: str


@dataclass(frozen=True, slots=True)
class _Token:
    """An access token and when it ends."""

    value: str = field(repr=False)
    expires_at: datetime
    renew_at: datetime


@dataclass(frozen=True, slots=True)
class _Reply:
    """An HTTP answer that was read."""

    status: int
    body: Json | _Unreadable


class _Unreadable:
    """Stands for a body that is no JSON."""


class SegwayClient:
    """An account at the Segway API.

    Every method may raise AuthenticationFailed, AccessDenied, CannotConnect,
    InvalidAnswer, RateLimited, or what the status code stands for (`errors`). Commands
    raise CommandUnconfirmed where it is not known whether they were carried out, and
    CommandUnsupported where the vehicle's model lacks them. `counters` counts requests
    and status codes.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        memory: Memory,
        now: Callable[[], datetime],
    ) -> None:
        """Initialize with the account, the memory for its token, and the clock."""
        self.counters: Counter[str] = Counter()
        self.http = HttpClient(session)
        self._credentials = credentials
        self._server = credentials.server.rstrip("/")
        self._memory = memory
        self._now = now
        self._slots = asyncio.Semaphore(REQUESTS_AT_ONCE)
        self._renewal = asyncio.Lock()
        self._fetch = TokenFetch[_Token]()
        self._token = self._remembered_token()

    async def close(self) -> None:
        """Ask for nothing any more, once a token that is being issued has come."""
        self.http.close()
        await self._fetch.close()

    # --- token ---

    async def authorize(self) -> None:
        """Make sure that there is a token, which checks the credentials the first time."""
        await self._valid_token()

    async def _valid_token(self, refused: str | None = None) -> str:
        """Return a token that should be accepted, and not the ``refused`` one.

        A token that is about to end is used as long as the server issues no new one.
        """
        async with self._renewal:
            # The call that started the fetch may not have waited for the token.
            await self._fetch.ended()
            now, token = self._now(), self._token
            if token is None or token.value == refused or token.expires_at <= now:
                token = await self._fetch.run(self._renew)
            elif token.renew_at <= now:
                try:
                    token = await self._fetch.run(self._renew)
                except _RENEWAL_FAILURES:
                    later = min(self._now() + RENEW_AGAIN_AFTER, token.expires_at)
                    token = self._token = replace(token, renew_at=later)
            return token.value

    async def _renew(self) -> _Token:
        """Request a token (chapter Auth). Raises AuthenticationFailed on a refusal."""
        self.counters["token requests"] += 1
        now = self._now()
        reply = await self._exchange(
            "POST",
            "/oauth/token",
            seconds=QUERY_TIMEOUT,
            form={
                "client_id": self._credentials.client_id,
                "client_secret": self._credentials.client_secret,
                "grant_type": "client_credentials",
            },
        )
        body = reply.body
        if isinstance(body, Mapping):
            value, seconds = body.get("access_token"), body.get("expires_in")
            if (
                isinstance(value, str)
                and value
                and isinstance(seconds, int | float)
                and 0 < seconds < _LONGEST_TOKEN
            ):
                expires_in = timedelta(seconds=seconds)
                token = _Token(
                    value,
                    expires_at=now + expires_in,
                    renew_at=now + expires_in - min(RENEW_BEFORE, expires_in / 10),
                )
                self._token = token
                await self._remember(token)
                return token
        raise _error_of(reply) or NotSegway("The answer has no token")

    async def _remember(self, token: _Token) -> None:
        await self._memory.put(
            _TOKEN,
            {
                "server": self._server,
                "client_id": self._credentials.client_id,
                "value": token.value,
                "expires_at": token.expires_at.timestamp(),
                "renew_at": token.renew_at.timestamp(),
            },
        )

    def _remembered_token(self) -> _Token | None:
        """Return the token that was kept for this very account, if there is one."""
        kept = self._memory.get(_TOKEN)
        if not isinstance(kept, Mapping) or (
            kept.get("server"),
            kept.get("client_id"),
        ) != (self._server, self._credentials.client_id):
            return None
        value, expires_at = kept.get("value"), kept.get("expires_at")
        renew_at = kept.get("renew_at")
        if (
            isinstance(value, str)
            and isinstance(expires_at, int | float)
            and isinstance(renew_at, int | float)
        ):
            return _Token(
                value,
                datetime.fromtimestamp(expires_at, UTC),
                datetime.fromtimestamp(renew_at, UTC),
            )
        return None

    # --- queries ---

    async def status(self, imei: str) -> Record:
        """Return the current status ("get current status")."""
        return _not_empty(await self._ask(STATUS, imei))

    async def extra_status(self, imei: str) -> Record:
        """Return helmets, saddle, tail box ... ("get current extra-status")."""
        return _not_empty(await self._ask(EXTRA_STATUS, imei))

    async def location(self, imei: str, *, real_time: bool = False) -> Record:
        """Return the location ("get current location"), or ask the vehicle for it now.

        Raises LocationUnknown when there is none.
        """
        if real_time:
            return _not_empty(await self._ask(LOCATION, imei, realTimeLocation="true"))
        return _not_empty(await self._ask(LOCATION, imei))

    async def battery_info(self, imei: str) -> Record:
        """Return voltages, power and the batteries ("get battery Info")."""
        return _not_empty(await self._ask(BATTERY_INFO, imei))

    async def bluetooth_key(self, imei: str) -> str:
        """Return the IoT's Bluetooth key ("get bluetooth key")."""
        key = (await self._ask(BLUETOOTH_KEY, imei)).get("key")
        if not isinstance(key, str) or not key:
            raise NotSegway("The answer has no key")
        return key

    # --- control ---

    async def start_rental(
        self, imei: str, clearance: Clearance = HARMLESS
    ) -> str | None:
        """Start a rental ("startRental"). Returns the key of a warning, if there is one."""
        return await self._tell(START_RENTAL, imei, clearance=clearance)

    async def end_rental(self, imei: str, clearance: Clearance = HARMLESS) -> None:
        """End a rental ("endRental")."""
        await self._tell(END_RENTAL, imei, clearance=clearance)

    async def unlock(self, imei: str, clearance: Clearance = HARMLESS) -> None:
        """Unlock ("unlock")."""
        await self._tell(UNLOCK, imei, clearance=clearance)

    async def lock(self, imei: str, clearance: Clearance = HARMLESS) -> None:
        """Lock ("lock")."""
        await self._tell(LOCK, imei, clearance=clearance)

    async def throttle_response(
        self, imei: str, *, on: bool, clearance: Clearance = HARMLESS
    ) -> None:
        """Let the throttle work or not ("throttle response")."""
        await self._tell(
            THROTTLE_RESPONSE, imei, {"controlType": int(on)}, clearance=clearance
        )

    async def open_saddle(self, imei: str, clearance: Clearance = HARMLESS) -> None:
        """Open the saddle of an unlocked vehicle ("saddle")."""
        await self._tell(SADDLE, imei, clearance=clearance)

    async def open_tailbox(self, imei: str, clearance: Clearance = HARMLESS) -> None:
        """Open the tail box of an unlocked vehicle ("tailbox")."""
        await self._tell(TAILBOX, imei, clearance=clearance)

    async def open_battery_cover(
        self, imei: str, clearance: Clearance = HARMLESS
    ) -> None:
        """Open the battery cover of an unlocked vehicle ("battery component")."""
        await self._tell(BATTERY_COVER, imei, clearance=clearance)

    async def sound(
        self, imei: str, number: int, clearance: Clearance = HARMLESS
    ) -> None:
        """Play sound 1, 2 (toot) or 3 ("sound")."""
        number = check_number("sound", number, range(1, 4))
        await self._tell(SOUND, imei, {"controlType": number}, clearance=clearance)

    # --- settings ---

    async def set_rental(
        self, imei: str, setting: RentalSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Set what start and end of a rental open and check ("rental setting")."""
        await self._set(SET_RENTAL, imei, setting, clearance)

    async def set_switches(
        self, imei: str, setting: SwitchSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Set switches and limits ("switch setting")."""
        await self._set(SET_SWITCHES, imei, setting, clearance)

    async def set_features(
        self, imei: str, setting: FeatureSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Turn features on and off ("switch enable")."""
        await self._set(SET_FEATURES, imei, setting, clearance)

    async def set_light(
        self, imei: str, setting: LightSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Set lights ("light setting"): deprecated, `set_ambient` takes its place."""
        await self._set(SET_LIGHT, imei, setting, clearance)

    async def set_ambient(
        self, imei: str, setting: AmbientSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Set the ambient light ("atmosphere lamp setting")."""
        await self._set(SET_AMBIENT, imei, setting, clearance)

    async def set_sounds(
        self, imei: str, setting: SoundSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Set sounds and their volume ("sound setting")."""
        await self._set(SET_SOUNDS, imei, setting, clearance)

    async def set_speed_mode(
        self, imei: str, mode: int, clearance: Clearance = HARMLESS
    ) -> None:
        """Set speed mode 1 (low), 2 (medium) or 3 (high) ("speed mode")."""
        mode = check_number("speed_mode", mode, range(1, 4))
        await self._tell(SET_SPEED_MODE, imei, {"speedMode": mode}, clearance=clearance)

    async def set_bluetooth_key(
        self, imei: str, key: str, clearance: Clearance = HARMLESS
    ) -> None:
        """Set the IoT's Bluetooth key, 8 letters and digits ("bluetooth key")."""
        await self._tell(
            SET_BLUETOOTH_KEY,
            imei,
            {"key": check_bluetooth_key(key)},
            clearance=clearance,
        )

    async def set_upload_interval(
        self, imei: str, interval: UploadInterval, clearance: Clearance = HARMLESS
    ) -> None:
        """Set how often the vehicle reports ("upload interval")."""
        await self._set(SET_INTERVAL, imei, interval, clearance)

    async def set_time(
        self, imei: str, setting: TimeSetting, clearance: Clearance = HARMLESS
    ) -> None:
        """Set the clock on the display ("time adjust")."""
        await self._set(SET_TIME, imei, setting, clearance)

    # --- requests ---

    async def _ask(self, endpoint: Endpoint, imei: str, **parameters: str) -> Record:
        query = {"iotCode": check_imei(imei), **parameters}
        _, data = await self._call(endpoint, query=query)
        if not isinstance(data, Mapping):
            raise NotSegway("The answer has no data")
        return data

    async def _set(
        self, endpoint: Endpoint, imei: str, setting: Setting, clearance: Clearance
    ) -> None:
        await self._tell(endpoint, imei, setting.payload(), clearance=clearance)

    async def _tell(
        self,
        endpoint: Endpoint,
        imei: str,
        values: Mapping[str, Json] | None = None,
        *,
        clearance: Clearance = HARMLESS,
    ) -> str | None:
        """Send a command and return the key of a warning, if there is one."""
        body = {"iotCode": check_imei(imei), **(values or {})}
        code, _ = await self._call(endpoint, body=body, clearance=clearance)
        return WARNINGS.get(code)

    async def _call(
        self,
        endpoint: Endpoint,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
        clearance: Clearance = HARMLESS,
    ) -> tuple[int, Json]:
        """Return status code (0, or one with a warning) and data of a call.

        A call with a refused token was not carried out: it is repeated with a new
        one.
        """
        refused = None
        while True:
            token = await self._valid_token(refused)
            try:
                reply = await self._exchange(
                    endpoint.method,
                    endpoint.path,
                    seconds=COMMAND_TIMEOUT if endpoint.is_command else QUERY_TIMEOUT,
                    token=token,
                    query=query,
                    body=body,
                    is_command=endpoint.is_command,
                    at_once=endpoint is THROTTLE_RESPONSE,
                    clearance=clearance,
                )
            except (NoAnswer, InvalidAnswer) as err:
                if endpoint.is_command:
                    raise CommandUnconfirmed(str(err)) from err
                raise
            if _code_of(reply) != TOKEN_REFUSED and reply.status != 401:
                return _result_of(endpoint, reply)
            if refused is not None:
                raise error_for(TOKEN_REFUSED)
            refused = token

    async def _exchange(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        token: str | None = None,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
        form: Mapping[str, str] | None = None,
        is_command: bool = False,
        at_once: bool = False,
        clearance: Clearance = HARMLESS,
    ) -> _Reply:
        """Send a request and read its answer, which must begin within some seconds.

        Few requests go at a time. A command that stops a vehicle or lets it go again is sent
        `at_once`: it does not wait for others, which may hang.
        """
        self.counters["requests"] += 1
        headers = {"Authorization": f"bearer {token}"} if token else {}
        async with nullcontext() if at_once else self._slots:
            try:
                answer = await self.http.ask(
                    method,
                    f"{self._server}{path}",
                    params=query,
                    json_body=body,
                    form=form,
                    headers=headers,
                    answer_within=seconds,
                    is_command=is_command,
                    clearance=clearance,
                )
            except http_client.NoAnswer as err:
                raise NoAnswer(str(err)) from None
        try:
            parsed: Json | _Unreadable = read_json(answer.body)
        except InvalidAnswer:
            parsed = _Unreadable()
        reply = _Reply(answer.status, parsed)
        if (code := _code_of(reply)) is not None:
            self.counters[f"code {code}"] += 1
        elif answer.status != 200:
            self.counters[f"HTTP {answer.status}"] += 1
        refusals = _OAUTH_REFUSALS if token is None else _WHERE_NO_TOKEN_HELPS
        if _oauth_error_of(reply) in refusals:
            raise self.http.judged(
                AuthenticationFailed(
                    "The client ID or secret is refused", key="segway_invalid_auth"
                )
            )
        return reply


def _oauth_error_of(reply: _Reply) -> str | None:
    """Return the error of an answer as OAuth tells it."""
    error = reply.body.get("error") if isinstance(reply.body, Mapping) else None
    return error if isinstance(error, str) else None


def _code_of(reply: _Reply) -> int | None:
    """Return the status code in the body of an answer."""
    code = reply.body.get("code") if isinstance(reply.body, Mapping) else None
    if isinstance(code, str) and code.isascii() and code.isdecimal():
        return int(code)
    return code if type(code) is int else None


def _result_of(endpoint: Endpoint, reply: _Reply) -> tuple[int, Json]:
    """Return status code and data of an answer, or raise what it stands for.

    A server that fails, or whose answer makes no sense, may have passed a command on.
    """
    if reply.status == 404 and endpoint.limited:
        raise EndpointMissing("HTTP 404")
    code, error = _code_of(reply), _error_of(reply)
    if error is None:
        if code is not None and isinstance(reply.body, Mapping):
            return code, reply.body.get("data")
        error = NotSegway("The answer has no status code")
    if (
        endpoint.is_command
        and isinstance(error, ServerError | InvalidAnswer)
        and not isinstance(error, UnknownCode)
    ):
        raise CommandUnconfirmed(str(error)) from error
    raise error


def _error_of(reply: _Reply) -> VendorError | None:
    """Return what is wrong with an answer: its status code, else its HTTP status."""
    code = _code_of(reply)
    if code == SUCCESS or code in WARNINGS:
        return None
    if code is not None:
        return error_for(code)
    if reply.status in {401, 403}:
        return AccessDenied(f"HTTP {reply.status}")
    if reply.status >= 500:
        return ServerError(f"HTTP {reply.status}")
    if reply.status != 200:
        return NotSegway(f"HTTP {reply.status}")
    return None


def _not_empty(record: Record) -> Record:
    """Return a record. Raises NotSegway where it says nothing at all."""
    if not record:
        raise NotSegway("The answer has no field")
    return record
