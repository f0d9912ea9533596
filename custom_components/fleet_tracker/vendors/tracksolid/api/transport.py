"""One call of the Open API: signed, with a token, not too often, its answer checked."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import md5

import aiohttp

from ....contract.commands import HARMLESS, Clearance
from ....contract.connection import Memory
from ....contract.errors import CannotConnect, InvalidAnswer, RateLimited, VendorError
from ....contract.methods import Use
from ....model.elapsed import left
from ....model.json_values import Json, Record, as_text, is_record
from ....transport.http_client import (
    FIRST_BYTE_S,
    HttpClient,
    NoAnswer,
    Unreachable,
    read_json,
)
from ....transport.token_fetch import TokenFetch
from ..catalog import METHODS
from .errors import (
    KNOWN_CODES,
    SUCCESS,
    DailyQuota,
    error_for,
    is_daily_quota,
    is_token_problem,
    is_too_frequent,
    sign_in_error,
)
from .values import Unit, as_number, as_time, stamp

NODES = (
    "https://open.10000track.com",
    "https://hk-open.tracksolidpro.com",
    "https://eu-open.tracksolidpro.com",
    "https://us-open.tracksolidpro.com",
)
"""The four regional nodes (chapter 1). An app key works on one of them only."""

PATH = "/route/rest"
TOKEN_SPACING = timedelta(minutes=1)
_MOST_DOUBLINGS = 3
"""How often the distance between logins doubles that bring no token: up to 8 minutes."""
CLOCK_TOLERANCE = timedelta(minutes=10)

_REFUSED = "1001"
"""Of a parameter, which the time of a request is too."""
_WORTH_MINDING = timedelta(minutes=1)
"""A difference of clocks that is less comes from the way of the answers."""
_TOKEN_LIFE_S = 7200
_RENEW_BEFORE = timedelta(minutes=5)
_FIRST_PAUSE = timedelta(seconds=30)
_LONGEST_PAUSE = timedelta(minutes=15)
_QUOTA_PAUSE = timedelta(hours=3)
# Keys of the memory: until when the day's quota keeps us quiet
_CALLS_PAUSED = "calls_paused_until"
_LOGINS_PAUSED = "logins_paused_until"

# A token that dies young was replaced by somebody else's login. When that goes on, each
# login of ours would only spend the day's quota.
_WAR_DEATHS = 3
_WAR_PERIOD = timedelta(minutes=30)
_WAR_SPACING = timedelta(minutes=10)

# Methods with a quota of their own, which says nothing of other methods (5.6).
_OWN_QUOTAS: Mapping[str, str] = {"jimi.lbs.address.get": "tracksolid_lbs_quota"}

_COMMANDS = frozenset(
    name for name, method in METHODS.items() if method.use in (Use.CHANGES, Use.STOPS)
)

type Parameter = str | int | float | datetime | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account of a node. Of the password only its MD5 is ever needed."""

    url: str
    app_key: str
    app_secret: str
    account: str
    password_md5: str


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and what refreshes it, valid until a time."""

    access: str
    refresh: str
    issued_at: datetime
    expires_at: datetime

    def as_json(self) -> Json:
        """Return what `from_json` makes a token of."""
        return {
            "access": self.access,
            "refresh": self.refresh,
            "issued_at": self.issued_at.timestamp(),
            "expires_at": self.expires_at.timestamp(),
        }

    @classmethod
    def from_json(cls, stored: object) -> Token | None:
        """Return a token that was stored, None if there is none."""
        if not is_record(stored):
            return None
        access, refresh = as_text(stored.get("access")), as_text(stored.get("refresh"))
        issued_at = as_time(stored.get("issued_at"))
        expires_at = as_time(stored.get("expires_at"))
        if access is None or issued_at is None or expires_at is None:
            return None
        return cls(access, refresh or access, issued_at, expires_at)


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a method: most have a result, some have data."""

    result: object
    data: object
    message: str


@dataclass(frozen=True, slots=True)
class _Raw:
    code: str
    message: str
    result: object
    data: object


def hash_password(password: str) -> str:
    """Return md5(password) in lower case, as token.get wants it (3.1)."""
    return md5(password.encode(), usedforsecurity=False).hexdigest()


def sign(parameters: Mapping[str, str], app_secret: str) -> str:
    """Return the signature of a request (chapter 2).

    The parameters sorted by their names in ASCII order, name and value without anything
    between, the secret before and after; MD5 in upper case. Empty values do not count.
    """
    text = "".join(
        f"{name}{value}"
        for name, value in sorted(parameters.items())
        if name != "sign" and value
    )
    data = f"{app_secret}{text}{app_secret}".encode()
    return md5(data, usedforsecurity=False).hexdigest().upper()


class Transport:
    """Calls methods for one account, with one token however many calls run at once.

    Everything that must outlive a restart is in the memory: the token, when one was last
    asked for, and how long the day's quota keeps us quiet. `patient` waits out the
    minute between two logins instead of raising RateLimited.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        credentials: Credentials,
        memory: Memory,
        *,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]],
        patient: bool = False,
    ) -> None:
        """Initialize with the account and the memory of earlier sessions."""
        self.credentials = credentials
        self.memory = memory
        self.now = now
        self.sleep = sleep
        self.counters: Counter[str] = Counter()
        self.http = HttpClient(session)
        self._patient = patient
        self._lock = asyncio.Lock()
        self._fetch = TokenFetch[Token | None]()
        self._token = Token.from_json(memory.get("token"))
        self._buried: Token | None = None
        self._failure: VendorError | None = None
        self._attempts = 0
        self._pauses = 0
        self._paused_until: datetime | None = None
        self._refresh_at = datetime.min.replace(tzinfo=UTC)
        self._clock_offset = timedelta()
        self._stamps_ahead = timedelta()
        """By how much the times that requests are stamped with are ahead of our clock."""
        self._fruitless_logins = 0
        """How many logins in a row reached the server and brought no token."""
        self._early_deaths: deque[datetime] = deque(maxlen=_WAR_DEATHS)

    @property
    def quota_exhausted(self) -> bool:
        """Whether the day's quota is known to be used up, for calls or for logins."""
        return any(map(self._quota_pause, (_CALLS_PAUSED, _LOGINS_PAUSED)))

    @property
    def server_now(self) -> datetime:
        """The time by the server's clock, as far as its answers tell it."""
        return self.now() + self._clock_offset

    @property
    def present(self) -> datetime:
        """The end of all periods that can be asked for: now, by the server's clock."""
        return self.now() + self.clock_offset

    @property
    def clock_offset(self) -> timedelta:
        """By how much the server's clock is ahead of ours; none while it hardly differs.

        Every answer of the server itself tells it (header Date), in whole seconds.
        """
        offset = self._clock_offset
        return offset if abs(offset) >= _WORTH_MINDING else timedelta()

    @property
    def contested(self) -> bool:
        """Whether tokens die again and again: another program uses the same account."""
        return (
            len(self._early_deaths) == _WAR_DEATHS
            and self.now() - self._early_deaths[0] < _WAR_PERIOD
        )

    async def log_in(self) -> Token:
        """Make sure that there is a valid token, which checks the credentials.

        Raises AuthenticationFailed (WrongNode and WrongSecret among them), AccessDenied,
        ClockWrong, RateLimited, CannotConnect or InvalidAnswer.
        """
        return await self._valid_token()

    async def call(
        self,
        method: str,
        parameters: Mapping[str, Parameter] | None = None,
        *,
        wait_s: float = FIRST_BYTE_S,
        urgent: bool = False,
        clearance: Clearance = HARMLESS,
    ) -> Answer:
        """Call a method and return its answer.

        A token that the server no longer takes is renewed once and the call repeated.
        After "too frequent" nothing is sent for a while, urgent calls apart. Raises
        what the answer's code means (see `errors`), CannotConnect, InvalidAnswer, or what
        the clearance of a command raises.
        """
        if not urgent:
            self._check_pause()
        private = _texts(parameters or {})
        token = await self._valid_token()
        raw = await self._request(method, private, token, wait_s, clearance)
        if is_token_problem(raw.code, raw.message):
            self._bury(token)
            token = await self._valid_token(dead=token)
            raw = await self._request(method, private, token, wait_s, clearance)
        if raw.code == SUCCESS:
            if not urgent:
                self._pauses = 0
            return Answer(raw.result, raw.data, raw.message)
        if is_too_frequent(raw.code, raw.message):
            if is_daily_quota(raw.message) and (key := _OWN_QUOTAS.get(method)):
                raise RateLimited("The method's quota of the day", key=key)
            raise await self._pause(_CALLS_PAUSED, raw.message)
        raise self.http.judged(self._error(raw))

    # --- not too often ---

    def _check_pause(self) -> None:
        self._check_quota(_CALLS_PAUSED)
        if pause := left(self._paused_until, _LONGEST_PAUSE, self.now()):
            raise RateLimited("Pausing", retry_after=pause)

    async def _pause(self, key: str, message: str) -> RateLimited:
        """Return the error of "too frequent", and stay quiet for its wait."""
        if is_daily_quota(message):
            self.counters["daily_quota"] += 1
            until = self.now() + _QUOTA_PAUSE
            await self.memory.put(key, until.timestamp())
            return DailyQuota("Daily quota", retry_after=_QUOTA_PAUSE)
        return self._rest()

    def _rest(self, told: timedelta | None = None) -> RateLimited:
        """Return the error of "too frequent", having begun a pause: longer each time."""
        self.counters["too_frequent"] += 1
        pause = min(_FIRST_PAUSE * 2**self._pauses, _LONGEST_PAUSE)
        pause = max(pause, told or timedelta())
        self._pauses += 1
        self._paused_until = self.now() + pause
        return RateLimited("Too frequent", retry_after=pause)

    def _quota_pause(self, key: str) -> timedelta | None:
        """Return how long a day's quota still keeps us quiet, None if it does not.

        A longer wait than a pause can only come from a clock that was set back.
        """
        if (until := as_time(self.memory.get(key))) is None:
            return None
        left = until - self.now()
        return left if timedelta() < left <= _QUOTA_PAUSE else None

    def _check_quota(self, key: str) -> None:
        if (left := self._quota_pause(key)) is not None:
            raise DailyQuota("Daily quota", retry_after=left)

    async def close(self) -> None:
        """Ask for nothing any more, once a login that is going on has its token."""
        self.http.close()
        await self._fetch.close()

    # --- tokens ---

    def _bury(self, token: Token) -> None:
        """Note that the server did not take a token that should have been good."""
        if token is self._token and token is not self._buried:
            self._buried = token
            self.counters["tokens_died_early"] += 1
            self._early_deaths.append(self.now())

    async def _valid_token(self, dead: Token | None = None) -> Token:
        """Return a token other than the dead one, getting it once for all waiting calls."""
        attempts = self._attempts
        async with self._lock:
            # The call that started the fetch may not have waited for the token.
            await self._fetch.ended()
            token = self._token
            if token is not None and token is not dead and self._alive(token):
                if token.expires_at - self.now() > _RENEW_BEFORE:
                    return token
                if renewed := await self._fetch.run(partial(self._refresh, token)):
                    return renewed
            if self._failure is not None and self._attempts != attempts:
                raise self._failure
            self._failure = None
            try:
                await self._wait_for_turn()
                signed_in = await self._fetch.run(self._sign_in)
            except VendorError as error:
                self._failure = error
                raise
            finally:
                self._attempts += 1
            assert signed_in is not None
            return signed_in

    def _alive(self, token: Token) -> bool:
        return token.issued_at <= self.now() < token.expires_at

    async def _keep(self, token: Token) -> Token:
        self._token = token
        await self.memory.put("token", token.as_json())
        return token

    async def _refresh(self, token: Token) -> Token | None:
        """Renew a token before it dies (3.2); None where only a login helps."""
        if self.now() < self._refresh_at:
            return token
        self._refresh_at = self.now() + TOKEN_SPACING
        self.counters["refreshes"] += 1
        parameters = _texts(
            {"refresh_token": token.refresh, "expires_in": _TOKEN_LIFE_S}
        )
        try:
            raw = await self._request("jimi.oauth.token.refresh", parameters, token)
            if raw.code == SUCCESS:
                return await self._keep(self._token_of(raw))
        except (CannotConnect, InvalidAnswer):
            return token  # which lives on for some minutes
        if is_too_frequent(raw.code, raw.message):
            return token
        return None

    async def _sign_in(self) -> Token:
        """Log in (3.1)."""
        self.counters["logins"] += 1
        await self.memory.put("token_asked_at", self.now().timestamp())
        self._fruitless_logins += 1
        try:
            raw = await self._request(
                "jimi.oauth.token.get",
                {
                    "user_id": self.credentials.account,
                    "user_pwd_md5": self.credentials.password_md5,
                    "expires_in": str(_TOKEN_LIFE_S),
                },
                None,
            )
        except Unreachable:
            self._fruitless_logins -= 1
            raise
        if raw.code == SUCCESS:
            token = self._token_of(raw)
            self._fruitless_logins = 0
            return await self._keep(token)
        if is_too_frequent(raw.code, raw.message):
            if is_daily_quota(raw.message):
                raise await self._pause(_LOGINS_PAUSED, raw.message)
            raise RateLimited(
                "Too many logins",
                key="tracksolid_token_soon",
                retry_after=TOKEN_SPACING,
            )
        raise self.http.judged(sign_in_error(raw.code, raw.message))

    async def _wait_for_turn(self) -> None:
        """Log in at most once a minute however often we are started, or raise RateLimited."""
        self._check_quota(_LOGINS_PAUSED)
        asked_at = as_time(self.memory.get("token_asked_at"))
        if asked_at is None or asked_at > self.now():
            return
        # A login that a server in trouble refused counts for the day's quota all the same.
        doublings = min(max(self._fruitless_logins - 1, 0), _MOST_DOUBLINGS)
        spacing = TOKEN_SPACING * 2**doublings
        if self.contested:
            spacing = max(spacing, _WAR_SPACING)
        wait = asked_at + spacing - self.now()
        if wait <= timedelta():
            return
        if not self._patient:
            raise RateLimited(
                "One login a minute", key="tracksolid_token_soon", retry_after=wait
            )
        await self.sleep(wait.total_seconds())

    def _token_of(self, raw: _Raw) -> Token:
        result = raw.result if is_record(raw.result) else {}
        access = as_text(result.get("accessToken"))
        if access is None:
            raise InvalidAnswer("The answer has no token")
        life = as_number(result.get("expiresIn"), Unit.SECONDS)
        if life is None or not 0 < life < _TOKEN_LIFE_S:
            life = _TOKEN_LIFE_S
        refresh = as_text(result.get("refreshToken")) or access
        now = self.now()
        return Token(access, refresh, now, now + timedelta(seconds=life))

    # --- requests ---

    def _error(self, raw: _Raw) -> VendorError:
        # Commands to cameras say inside of the result what was the matter (7.2).
        inner = as_text(raw.result.get("code")) if is_record(raw.result) else None
        if inner in KNOWN_CODES:
            return error_for(inner, "")
        return error_for(raw.code, raw.message)

    async def _request(
        self,
        method: str,
        private: Mapping[str, str],
        token: Token | None,
        wait_s: float = FIRST_BYTE_S,
        clearance: Clearance = HARMLESS,
    ) -> _Raw:
        """Send a request, once more by the server's clock if it was refused for its time.

        Until then requests are stamped by our clock: a gateway may tell another time than
        the server goes by.
        """
        raw = await self._ask(method, private, token, wait_s, clearance)
        if raw.code == _REFUSED and self._is_stamped_wrong:
            self._stamps_ahead = self._clock_offset
            self.counters["clocks_compared"] += 1
            raw = await self._ask(method, private, token, wait_s, clearance)
        return raw

    async def _ask(
        self,
        method: str,
        private: Mapping[str, str],
        token: Token | None,
        wait_s: float,
        clearance: Clearance,
    ) -> _Raw:
        parameters = {
            **private,
            "method": method,
            "app_key": self.credentials.app_key,
            "timestamp": stamp(self.now() + self._stamps_ahead),
            "sign_method": "md5",
            "v": "1.0",
            "format": "json",
        }
        if token is not None:
            parameters["access_token"] = token.access
        parameters["sign"] = sign(parameters, self.credentials.app_secret)
        self.counters["requests"] += 1
        try:
            answer = await self.http.ask(
                "POST",
                self.credentials.url,
                form=parameters,
                answer_within=wait_s,
                is_command=method in _COMMANDS,
                clearance=clearance,
            )
        except RateLimited as error:
            # This is the HTTP server's own answer, not that of the API.
            raise self._rest(error.retry_after) from None
        if answer.status >= 500:
            # A gateway may time out before the vehicle answers.
            raise NoAnswer(f"HTTP status {answer.status}")
        if answer.status != 200:
            raise CannotConnect(f"HTTP status {answer.status}")
        self._compare_clocks(answer.date)
        return _read(answer.body)

    def _compare_clocks(self, theirs: datetime | None) -> None:
        """Learn by how much the server's clock is ahead of ours."""
        if theirs is not None:
            self._clock_offset = theirs - self.now()

    @property
    def _is_stamped_wrong(self) -> bool:
        """Whether requests are stamped so far off the server's clock that it refuses them."""
        return abs(self._clock_offset - self._stamps_ahead) > CLOCK_TOLERANCE


def _texts(parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """Return the parameters that have a value, as they are sent."""
    return {
        name: text
        for name, value in parameters.items()
        if value is not None and (text := _text(value))
    }


def _text(value: str | float | datetime) -> str:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, float):
        return f"{value:.8f}".rstrip("0").rstrip(".")
    return str(value)


def _read(body: bytes) -> _Raw:
    """Return what is in an answer (chapter 1); a code may come as text."""
    answer = read_json(body)
    if not is_record(answer):
        raise InvalidAnswer("The answer is no JSON object")
    code = answer.get("code")
    if code is None or isinstance(code, bool) or not isinstance(code, int | str):
        raise InvalidAnswer("The answer has no code")
    message = as_text(answer.get("message")) or as_text(answer.get("msg")) or ""
    return _Raw(str(code).strip(), message, answer.get("result"), answer.get("data"))


def rows_of(value: object) -> list[Record]:
    """Return the rows of an answer: a list of objects, or nothing at all.

    Raises InvalidAnswer when it is something else.
    """
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise InvalidAnswer("The answer has no list")
    return [row for row in value if type(row) is dict]
