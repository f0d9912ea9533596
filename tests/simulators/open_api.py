"""The Open API of ProTrack, iTrack and eTrack, played from its documents.

Two generations: `open-api-classic` (operations 2.1 to 2.15) and `open-api-2025`, which
adds fields, alarm types, SET_MILEAGE, 2.16 and 2.17. Where a document leaves something
open, a switch of the simulator says how it behaves.

Alone: ``python -m tests.simulators.open_api --port 8201`` shows the demo's fleet.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
import secrets
import time

from aiohttp import web

from .open_api_fleet import (
    CLASSIC_ALARM_TYPES,
    DEMO_ACCOUNT,
    DEMO_PASSWORD,
    Account,
    Alarm,
    Device,
    Fence,
    Reply,
    demo_accounts,
    md5_hex,
)
from .open_api_protocol import (
    FENCE_KINDS,
    FENCE_RADIUS,
    HALF_HOUR,
    MAX_ALARMS,
    MAX_IMEIS,
    MAX_MESSAGE_ACCOUNTS,
    MAX_MESSAGE_LENGTH,
    MAX_POINTS,
    MAX_REPORT_SECONDS,
    MAX_ROWS,
    TOKEN_SECONDS,
    Call,
    Message,
    Refused,
    Result,
    SentCommand,
    Token,
    mileage_parameter,
)
from .server import ANY_PATH, SimulatedServer, run_until_stopped
from .world import Place, Zone


class OpenApiSimulator(SimulatedServer):
    """A server of the Open API. Without accounts it shows the demo's fleet.

    Switches, all for what the documents do not settle:

    - `classic`: the older generation; list2 and its siblings are unknown requests.
    - `odometer`: track records carry the undocumented field `odometer`.
    - `list2_parameter`: what the newer alarm list calls the IMEI (`imei` or `imeis`).
    - `no_data`: an empty period is answered 20023 instead of with an empty record.
    - `password_path`: where 2.16 is served, whose path no document tells.
    - `clock_window`: by how many seconds the client's clock may be off.
    - `intervals`: seconds that must pass between two calls of a path by an account,
      else 10009. Command queries may be limited to one a second, as 2.6 says.
    - `per_minute`: how many calls of a path an account may make in a minute, else 10009.
    """

    def __init__(
        self,
        *accounts: Account,
        classic: bool = False,
        odometer: bool = True,
        list2_parameter: str = "imei",
        no_data: bool = False,
        password_path: str | None = None,
        clock_window: float = 300,
        intervals: Mapping[str, float] | None = None,
        per_minute: Mapping[str, int] | None = None,
        max_rows: int = MAX_ROWS,
        clock: Callable[[], float] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Initialize with the accounts, the switches, the clock and the address."""
        super().__init__(clock=clock, host=host, port=port)
        shown = accounts or demo_accounts(self.now)
        self.accounts = {account.name: account for account in shown}
        self.classic = classic
        self.odometer = odometer
        self.list2_parameter = list2_parameter
        self.no_data = no_data
        self.clock_window = clock_window
        self.intervals = dict(intervals or {})
        self.per_minute = dict(per_minute or {})
        self.max_rows = max_rows
        self.tokens: dict[str, Token] = {}
        self.commands: dict[str, SentCommand] = {}
        self.messages: list[Message] = []
        self._refusals: dict[str, deque[int]] = {}
        self._served: dict[tuple[str, str], deque[float]] = {}
        self._next_fence = 1_075_559
        self._next_command = 0x1B454
        self._get: dict[str, Callable[[Call], Result]] = {
            "/api/track": self._track,
            "/api/playback": self._playback,
            "/api/device/list": self._device_list,
            "/api/device/detail": self._device_detail,
            "/api/device/mileage": self._mileage,
            "/api/alarm/list": self._alarm_list,
            "/api/user/info": self._user_info,
            "/api/user/list": self._user_list,
        }
        self._post: dict[str, Callable[[Call], Result]] = {
            "/api/geofence/create": self._geofence_create,
            "/api/command/send": self._command_send,
            "/api/command/query": self._command_query,
            "/api/user/block": self._user_block,
            "/api/user/unblock": self._user_unblock,
            "/api/message/send": self._message_send,
        }
        if not classic:
            self._get["/api/alarm/list2"] = self._alarm_list2
            if password_path:
                self._post[password_path] = self._password_change

    def account(self, name: str = DEMO_ACCOUNT) -> Account:
        """Return an account by its name."""
        return self.accounts[name]

    def device(self, imei: str) -> Device:
        """Return a device by its IMEI."""
        return next(
            device
            for account in self.accounts.values()
            for device in account.devices
            if device.imei == imei
        )

    def fail_next(self, path: str, code: int, times: int = 1) -> None:
        """Answer the next requests of a path (or ANY_PATH) with an error code."""
        self._refusals.setdefault(path, deque()).extend([code] * times)

    def heal(self) -> None:
        """Forget the failures that were asked for."""
        super().heal()
        self._refusals.clear()

    def control(self, request: web.BaseRequest) -> web.Response:
        """Change the demo account's password too, as in `?password=new`; its tokens end."""
        if password := request.query.get("password"):
            self.account(DEMO_ACCOUNT).set_password(password)
            self.drop_tokens()
        return super().control(request)

    def drop_tokens(self) -> None:
        """Forget all tokens, as a vendor does that restarts."""
        self.tokens.clear()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer with HTTP 200 and a code, whatever the request was."""
        try:
            record = self._record(request)
        except Refused as refused:
            return web.json_response({"code": refused.code, "message": refused.message})
        return web.json_response(
            {"code": 0} if record is None else {"record": record, "code": 0}
        )

    def _record(self, request: web.BaseRequest) -> Result:
        path = request.path
        for key in (path, ANY_PATH):
            if queue := self._refusals.get(key):
                code = queue.popleft()
                raise Refused(code, int(self.now) if code == 10014 else "")
        if path == "/api/authorization" and request.method == "GET":
            return self._authorization(request.query)
        operations = self._get if request.method == "GET" else self._post
        if path not in operations or request.method not in ("GET", "POST"):
            raise Refused(10001)
        account = self._caller(request.query)
        self._count(path, account.name)
        return operations[path](Call(account, request.query))

    def _count(self, path: str, name: str) -> None:
        served = self._served.setdefault((path, name), deque(maxlen=1000))
        interval, most = self.intervals.get(path), self.per_minute.get(path)
        if interval and served and self.now - served[-1] < interval:
            raise Refused(10009)
        if most is not None and sum(self.now - time < 60 for time in served) >= most:
            raise Refused(10009)
        served.append(self.now)

    def _authorization(self, query: Mapping[str, str]) -> Result:
        for name in ("time", "account", "signature"):
            if not query.get(name):
                raise Refused(10005, name)
        try:
            asked_at = int(query["time"])
        except ValueError:
            raise Refused(10004, "time") from None
        if abs(asked_at - self.now) > self.clock_window:
            raise Refused(10014, int(self.now))
        self._count("/api/authorization", query["account"])
        account = self.accounts.get(query["account"])
        if account is None:
            raise Refused(20001)
        if query["signature"] != md5_hex(account.password_md5 + query["time"]):
            raise Refused(20001)
        if not account.open_api:
            raise Refused(10007)
        if account.blocked:
            raise Refused(10016)
        for token in self.tokens.values():
            token.replaced = token.replaced or token.account is account
        name = secrets.token_hex(16)
        self.tokens[name] = Token(account, self.now)
        return {"access_token": name, "expires_in": TOKEN_SECONDS}

    def _caller(self, query: Mapping[str, str]) -> Account:
        name = query.get("access_token")
        if not name:
            raise Refused(10005, "access_token")
        token = self.tokens.get(name)
        if token is None:
            raise Refused(10010)
        if token.replaced:
            raise Refused(10011)
        if self.now - token.issued >= TOKEN_SECONDS:
            raise Refused(10012)
        if token.account.blocked:
            raise Refused(10016)
        return token.account

    def _may_see(self, caller: Account, account: Account) -> bool:
        """Tell whether an account is the caller's own or below it."""
        while account is not caller:
            if account.parent is None:
                return False
            account = self.accounts[account.parent]
        return True

    def _member(self, call: Call, name: str) -> Account:
        """Return an account that the caller may ask about."""
        account = self.accounts.get(name)
        if account is None:
            raise Refused(20005, name)
        if not self._may_see(call.account, account):
            raise Refused(10007)
        return account

    def _own_device(self, call: Call, imei: str) -> Device:
        for account in self.accounts.values():
            for device in account.devices:
                if device.imei != imei:
                    continue
                if not self._may_see(call.account, account):
                    raise Refused(10013, imei)
                if device.error:
                    raise Refused(device.error, imei)
                return device
        raise Refused(20005, imei)

    def _device(self, call: Call, parameter: str = "imei") -> Device:
        return self._own_device(call, call.text(parameter))

    def _devices(self, call: Call) -> list[Device]:
        imeis = call.text("imeis").split(",")
        if len(imeis) > MAX_IMEIS:
            raise Refused(10006, "imeis")
        return [self._own_device(call, imei) for imei in imeis]

    def _track(self, call: Call) -> Result:
        """2.2."""
        return [
            device.track_record(self.now, classic=self.classic, odometer=self.odometer)
            for device in self._devices(call)
        ]

    def _playback(self, call: Call) -> Result:
        """2.3."""
        device = self._device(call)
        begin, end = call.period()
        points = list(islice(device.points(begin, end, self.now), MAX_POINTS))
        return ";".join(self._found(points))

    def _device_list(self, call: Call) -> Result:
        """2.7: the devices of one account, cut off without a word."""
        account = call.account
        if name := call.query.get("account"):
            account = self._member(call, name)
        return [
            device.detail_record(classic=self.classic)
            for device in account.devices[: self.max_rows]
        ]

    def _device_detail(self, call: Call) -> Result:
        """2.12."""
        return [
            device.detail_record(classic=self.classic) for device in self._devices(call)
        ]

    def _mileage(self, call: Call) -> Result:
        """2.14: in kilometres, the end not included."""
        devices = self._devices(call)
        begin, end = call.period()
        for name, value in (("begintime", begin), ("endtime", end)):
            if value % HALF_HOUR:
                raise Refused(10006, name)
        if end - begin > MAX_REPORT_SECONDS:
            raise Refused(10006, "endtime")
        return [
            {
                "imei": device.imei,
                "mileage": device.kilometres(begin, end, self.now),
            }
            for device in devices
        ]

    def _found[T](self, rows: list[T]) -> list[T]:
        if self.no_data and not rows:
            raise Refused(20023)
        return rows

    def _geofence_create(self, call: Call) -> Result:
        """2.4."""
        device = self._device(call)
        name = call.text("efencename")
        kind = call.integer("alarmtype")
        centre = Place(call.degrees("latitude", 90), call.degrees("longitude", 180))
        radius = call.integer("radius")
        if kind not in FENCE_KINDS:
            raise Refused(10006, "alarmtype")
        if radius not in FENCE_RADIUS:
            raise Refused(10006, "radius")
        device.fences.append(
            Fence(
                self._next_fence,
                name,
                Zone(centre, radius),
                FENCE_KINDS[kind],
                self.now,
            )
        )
        self._next_fence += 1
        return None

    def _alarms(self, devices: Iterable[Device], call: Call) -> list[Alarm]:
        begin, end = call.period()
        rows = [
            row
            for device in devices
            for row in device.alarm_rows(begin, end, self.now)
            if not (self.classic and row.kind > CLASSIC_ALARM_TYPES)
        ]
        return self._found(rows[:MAX_ALARMS])

    def _alarm_list(self, call: Call) -> Result:
        """2.8."""
        rows = self._alarms([self._device(call)], call)
        return ";".join(row.as_text() for row in rows)

    def _alarm_list2(self, call: Call) -> Result:
        """2.17 of open-api-2025, at the path that is in use for it."""
        rows = self._alarms([self._device(call, self.list2_parameter)], call)
        return [row.as_record() for row in rows]

    def _command_send(self, call: Call) -> Result:
        """2.5."""
        device = self._device(call)
        command = call.text("command")
        word = command.partition(",")[0]
        if device.blocked:
            raise Refused(20089)
        if device.expired:
            raise Refused(20046)
        reply, obey = self._instruction(call, device, command)
        if code := device.refusals.get(word):
            raise Refused(code)
        if device.never_online or device.offline_since is not None:
            raise Refused(20017)
        number = f"{self._next_command:X}"
        self._next_command += 1
        self.commands[number] = SentCommand(
            call.account,
            device,
            device.replies.get(command, reply),
            obey,
            device.answers_after,
        )
        return {"commandid": number}

    def _instruction(
        self, call: Call, device: Device, command: str
    ) -> tuple[Reply, Callable[[], None]]:
        """Return what a tracker says to a command, and what it does."""
        match command:
            case "RELAY,1" | "RELAY,0":
                cut = command == "RELAY,1"

                def relay() -> None:
                    device.fuel_supply = int(not cut)

                done = "Cut off" if cut else "Restore"
                speed = round(device.vehicle.at(self.now).speed)
                text = f"{done} the fuel supply: Success! Speed: {speed}km/h."
                return Reply(text), relay
            case "LOCKDOOR" | "UNLOCKDOOR":
                locked = command == "LOCKDOOR"

                def lock() -> None:
                    device.door_locked = locked

                return Reply(f"{'Lock' if locked else 'Unlock'} door: Success!"), lock
            case "RESET":

                def reset() -> None:
                    device.resets += 1

                return Reply("The terminal will restart after 60s!"), reset
            case "SET_MILEAGE" if not self.classic:
                kilometres = mileage_parameter(call.text("paramData"))

                def set_mileage() -> None:
                    driven = device.vehicle.at(self.now).odometer
                    device.mileage_shift = kilometres * 1000 - driven

                return Reply("Set mileage: Success!"), set_mileage
        raise Refused(20048)

    def _command_query(self, call: Call) -> Result:
        """2.6."""
        sent = self.commands.get(call.text("commandid"))
        if sent is None or sent.account is not call.account:
            raise Refused(20005, "commandid")
        return sent.query()

    def _user_block(self, call: Call) -> Result:
        """2.9."""
        self._sub_account(call).blocked = True
        return None

    def _user_unblock(self, call: Call) -> Result:
        """2.10."""
        self._sub_account(call).blocked = False
        return None

    def _sub_account(self, call: Call) -> Account:
        account = self._member(call, call.text("account"))
        if account is call.account:
            raise Refused(10007)
        return account

    def _user_info(self, call: Call) -> Result:
        """2.11."""
        return self._member(call, call.text("account")).record()

    def _user_list(self, call: Call) -> Result:
        """2.15: as in its example, the account itself comes first."""
        account = call.account
        if name := call.query.get("account"):
            account = self._member(call, name)
        users = [
            account,
            *(
                other
                for other in self.accounts.values()
                if other.parent == account.name
            ),
        ]
        return [user.record() for user in users[: self.max_rows]]

    def _password_change(self, call: Call) -> Result:
        """2.16 of open-api-2025: the parameter is the MD5 of the new password."""
        account = self._sub_account(call)
        password = call.text("password")
        if len(password) != 32 or set(password) - set("0123456789abcdef"):
            raise Refused(10004, "password")
        account.password_md5 = password
        return None

    def _message_send(self, call: Call) -> Result:
        """2.13."""
        names = call.text("accounts").split(",")
        content = call.text("content")
        if len(names) > MAX_MESSAGE_ACCOUNTS:
            raise Refused(10006, "accounts")
        if len(content) > MAX_MESSAGE_LENGTH:
            raise Refused(10006, "content")
        accounts = tuple(self._member(call, name).name for name in names)
        self.messages.append(Message(accounts, content))
        return None


def main() -> None:
    """Run the simulator alone, with the demo's fleet."""
    parser = argparse.ArgumentParser(description="Play a server of the Open API.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--classic", action="store_true", help="the older generation")
    parser.add_argument("--vehicles", type=int, default=4)
    options = parser.parse_args()

    async def run() -> None:
        accounts = demo_accounts(time.time(), options.vehicles)
        server = OpenApiSimulator(*accounts, classic=options.classic, port=options.port)
        await run_until_stopped(
            server, f"account {DEMO_ACCOUNT}, password {DEMO_PASSWORD}"
        )

    asyncio.run(run())


if __name__ == "__main__":
    main()
