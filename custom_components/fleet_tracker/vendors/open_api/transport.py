"""One call of the Open API: signed in, on time, not too often, and its answer checked."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5
import random
import re

import aiohttp

from ...contract.commands import HARMLESS, Clearance
from ...contract.errors import CannotConnect, ClockWrong, InvalidAnswer, RateLimited
from ...model.json_values import (
    Json,
    as_integer,
    as_number,
    as_text,
    as_unix_time,
    is_record,
)
from ...transport.http_client import FIRST_BYTE_S, HttpClient, read_json
from ...transport.token_fetch import TokenFetch
from .errors import CLOCK_WRONG, TOKEN_CODES, TOO_FREQUENT, UnknownRequest, error_for

# The documents advise to renew a token of 120 minutes after 90.
_TOKEN_LIFE_S = 7200
_RENEW_AFTER_SHARE = 0.75

# A token that dies this young was replaced by another program's. When that happens so many
# times in a period, the other program goes on, and logging in again each time would only
# exhaust the account's allowance for token requests.
_EARLY_DEATH = timedelta(minutes=15)
_WAR_DEATHS = 3
_WAR_PERIOD = timedelta(minutes=30)
WAR_LOGIN_SPACING = timedelta(minutes=1)
"""How long it is at least from one login to the next while another program does the same."""

# After "too frequent": the waits within the call, then the wait in the error.
_RETRIES = 3
_FIRST_WAIT_S = 1.0
_FIRST_PAUSE_S = 60.0
_LONGEST_PAUSE_S = 900.0

# Queries that are sent by POST
_POSTED_QUERIES = frozenset({"/api/command/query"})

_MOST_CODE_DIGITS = 6

_UNIX_SECONDS = re.compile(r"(?<!\d)\d{10}(?!\d)")


def hash_password(password: str) -> str:
    """Return md5(password), all of the password that the API ever needs."""
    return md5(password.encode(), usedforsecurity=False).hexdigest()


def sign(password_md5: str, time: int) -> str:
    """Return md5(md5(password) + time) for UNIX seconds (open-api-classic 2.1)."""
    return hash_password(f"{password_md5}{time}")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, which is to be renewed at a time."""

    value: str
    issued_at: datetime
    renew_at: datetime

    def as_json(self) -> Json:
        """Return what `from_json` makes a token of."""
        return {
            "value": self.value,
            "issued_at": self.issued_at.timestamp(),
            "renew_at": self.renew_at.timestamp(),
        }

    @classmethod
    def from_json(cls, stored: object) -> Token | None:
        """Return a token that was stored, None if there is none."""
        if not is_record(stored):
            return None
        value = as_text(stored.get("value"))
        issued_at = as_unix_time(stored.get("issued_at"))
        renew_at = as_unix_time(stored.get("renew_at"))
        if value is None or issued_at is None or renew_at is None:
            return None
        return cls(value, issued_at, renew_at)


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    record: object
    message: str


class Transport:
    """Calls operations for one account, with one token however many calls run at once.

    `now` and `sleep` are the caller's clock (aware UTC) and patience (seconds).
    `counters` says how often what happened, for diagnostics.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        account: str,
        password_md5: str,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        token: Token | None = None,
        save_token: Callable[[Token], Awaitable[None]] | None = None,
        clock_offset: timedelta = timedelta(),
        timeout: float = FIRST_BYTE_S,
    ) -> None:
        """Initialize with the account, and with the token and the memory of an earlier session."""
        self.account = account
        self.counters: Counter[str] = Counter()
        self.token = token
        self.http = HttpClient(session)
        self._base_url = base_url.rstrip("/")
        self._password_md5 = password_md5
        self._now = now
        self._sleep = sleep
        self._save_token = save_token
        self._timeout = timeout
        self.clock_offset = clock_offset
        """By how much the server's clock is ahead of ours, as far as it told."""
        self._login = TokenFetch[Token]()
        self._logged_in_at = token.issued_at if token else None
        self._early_deaths: deque[datetime] = deque(maxlen=_WAR_DEATHS)
        self._pauses: dict[str, float] = {}
        self._was_held_back = False

    @property
    def contested(self) -> bool:
        """Whether tokens die again and again: another program uses the same account."""
        return (
            len(self._early_deaths) == _WAR_DEATHS
            and self._now() - self._early_deaths[0] < _WAR_PERIOD
        )

    @property
    def holds_back(self) -> bool:
        """Whether a login had to wait because another program uses the same account."""
        return self._was_held_back and self.contested

    async def close(self) -> None:
        """Ask for nothing any more, once a login that is going on has its token."""
        self.http.close()
        await self._login.close()

    async def log_in(self) -> Token:
        """Get a new token, which checks the credentials; the one before dies.

        Raises AuthenticationFailed, AccessDenied, ClockWrong, RateLimited, CannotConnect
        or InvalidAnswer.
        """
        self.token = None
        return await self._valid_token()

    async def prepare(self) -> None:
        """Get a token if there is none, so that the next call is a single request.

        Raises what `log_in` does.
        """
        await self._valid_token()

    async def call(
        self,
        method: str,
        path: str,
        clearance: Clearance = HARMLESS,
        /,
        **params: str | float,
    ) -> object:
        """Call an operation and return its `record`, None where it has none.

        Parameters are in the URL, of POST requests too. A token that the server no longer
        takes is renewed once and the call repeated. Raises CannotConnect,
        InvalidAnswer, the error of the answer's code, or that of a command's clearance.
        """
        token = await self._valid_token()
        answer = await self._patient_request(method, path, params, token, clearance)
        if answer.code in TOKEN_CODES:
            self._bury(token)
            token = await self._valid_token()
            answer = await self._patient_request(method, path, params, token, clearance)
        if answer.code:
            raise self.http.judged(error_for(answer.code))
        return answer.record

    def _bury(self, token: Token) -> None:
        """Forget a token that the server no longer takes, and note if it died young."""
        if token is not self.token:
            return
        self.token = None
        now = self._now()
        if now - token.issued_at < _EARLY_DEATH:
            self.counters["tokens_died_early"] += 1
            self._early_deaths.append(now)

    async def _valid_token(self) -> Token:
        """Return the token; a new one is got once for all waiting calls.

        When getting it fails, it fails for all of them: no call tries a wrong
        password again. It goes on when a call stops waiting: the token would be
        lost.
        """
        if self.token and self._fresh(self.token):
            return self.token
        if not self._login.is_going_on:
            self._keep_peace()
        return await self._login.run(self._renew_token)

    async def _renew_token(self) -> Token:
        token = self.token = await self._authorize()
        self._logged_in_at = token.issued_at
        if self._save_token:
            await self._save_token(token)
        return token

    def _fresh(self, token: Token) -> bool:
        return token.issued_at <= self._now() < token.renew_at

    def _keep_peace(self) -> None:
        """Refuse to log in too often while another program does the same."""
        if not self.contested or not self._logged_in_at:
            return
        wait = self._logged_in_at + WAR_LOGIN_SPACING - self._now()
        self._was_held_back = self.holds_back or wait > timedelta()
        if wait > timedelta():
            raise RateLimited(
                "Another program uses the account",
                key="account_shared",
                retry_after=wait,
            )

    async def _authorize(self) -> Token:
        """Log in (open-api-classic 2.1), learning the server's time where ours differs."""
        self.counters["logins"] += 1
        answer = await self._request_token()
        if answer.code == CLOCK_WRONG:
            if not (found := _UNIX_SECONDS.search(answer.message)):
                raise ClockWrong("The server does not tell its time")
            there = datetime.fromtimestamp(int(found[0]), UTC)
            self.clock_offset = there - self._now()
            self.counters["clock_corrections"] += 1
            answer = await self._request_token()
        if answer.code:
            raise self.http.judged(error_for(answer.code))
        record = answer.record if is_record(answer.record) else {}
        value = as_text(record.get("access_token"))
        if value is None:
            raise InvalidAnswer("The answer has no token")
        life = as_number(record.get("expires_in"))
        if life is None or not 0 < life < _TOKEN_LIFE_S:
            life = _TOKEN_LIFE_S
        now = self._now()
        return Token(value, now, now + timedelta(seconds=life * _RENEW_AFTER_SHARE))

    async def _request_token(self) -> _Answer:
        time = int((self._now() + self.clock_offset).timestamp())
        params: dict[str, str | int | float] = {
            "time": time,
            "account": self.account,
            "signature": sign(self._password_md5, time),
        }
        return await self._patient_request("GET", "/api/authorization", params)

    async def _patient_request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int | float],
        token: Token | None = None,
        clearance: Clearance = HARMLESS,
    ) -> _Answer:
        """Send a request, and again after a growing, jittered wait when told to slow.

        The pause that callers are told of grows for each operation by itself: one that is
        limited is not helped by another that is not.
        """
        if token:
            params = {"access_token": token.value, **params}
        for attempt in range(_RETRIES + 1):
            if attempt:
                await self._sleep(_jittered(_FIRST_WAIT_S * 2 ** (attempt - 1)))
            answer = await self._request(method, path, params, clearance)
            if answer.code != TOO_FREQUENT:
                self._pauses.pop(path, None)
                return answer
            self.counters["too_frequent"] += 1
        pause = self._pauses.get(path, _FIRST_PAUSE_S)
        self._pauses[path] = min(2 * pause, _LONGEST_PAUSE_S)
        raise RateLimited(
            f"Error code {TOO_FREQUENT}",
            retry_after=timedelta(seconds=_jittered(pause)),
        )

    async def _request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int | float],
        clearance: Clearance,
    ) -> _Answer:
        self.counters["requests"] += 1
        answer = await self.http.ask(
            method,
            self._base_url + path,
            params=params,
            answer_within=self._timeout,
            is_command=method == "POST" and path not in _POSTED_QUERIES,
            clearance=clearance,
        )
        if answer.status == 404:
            raise UnknownRequest("HTTP status 404")
        if answer.status != 200:
            raise CannotConnect(f"HTTP status {answer.status}")
        return _read(answer.body)


def _read(body: bytes) -> _Answer:
    """Return what is in an answer (open-api-classic 1.4); a code may come as text."""
    answer = read_json(body)
    if not is_record(answer):
        raise InvalidAnswer("The answer is no JSON object")
    code = as_integer(answer.get("code"))
    # The documented ones have five digits. A long one may be a private number.
    if code is None or abs(code) >= 10**_MOST_CODE_DIGITS:
        raise InvalidAnswer("The answer has no code")
    return _Answer(code, answer.get("record"), as_text(answer.get("message")) or "")


def _jittered(seconds: float) -> float:
    """Return a wait of about that long, so that callers do not return in step."""
    return seconds * random.uniform(0.75, 1.25)
