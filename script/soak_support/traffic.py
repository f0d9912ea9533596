"""The traffic of the soak: news, alarms, commands, reloads and failures."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
import json
import random
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp

from script.demo_support.home_assistant import DOMAIN, DemoError, HomeAssistant
from tests.simulators.failures import Failure
from tests.simulators.open_api_fleet import Alarm
from tests.simulators.segway_push import PushSender
from tests.simulators.tracksolid import pushes
from tests.simulators.vt3 import Vt3Simulator

from .fleet import Fleet
from .ledger import Ledger

TRIES = 60
RETRY_AFTER = 5.0
"""How often, and after how many seconds, a push is repeated that was not answered 200."""
FAILURES = (
    Failure.HTTP_500,
    Failure.HTTP_503,
    Failure.HTTP_429,
    Failure.HANG,
    Failure.RESET_IN_BODY,
    Failure.HTML,
)
FAILS_FOR = 15.0
ALARM_EVERY = 0.25
NEWS_EVERY = 0.1
COMMAND_EVERY = 1.0
SHARE_OF_REPEATED = 0.1


class Traffic:
    """Lets things happen to a fleet until told to stop."""

    def __init__(
        self,
        fleet: Fleet,
        home_assistant: HomeAssistant,
        ledger: Ledger,
        urls: dict[str, str],
        seed: int,
    ) -> None:
        """Initialize with the push address of each vendor."""
        self._fleet = fleet
        self._home_assistant = home_assistant
        self._ledger = ledger
        self._urls = urls
        self._random = random.Random(seed)
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=30),
            connector=aiohttp.TCPConnector(limit=20),
        )
        self._stopping = asyncio.Event()
        self._pushing: set[asyncio.Task[None]] = set()
        self._sender = PushSender(
            "", fleet.segway.client_id, fleet.segway.client_secret
        )
        self._firsts = list(self._first_news())

    async def run(self, reload_every: float, *, reloads: int) -> None:
        """Let everything go on until `stop`. Raises what went wrong in the soak itself."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(ALARM_EVERY, self._raise_alarm))
            tasks.create_task(self._repeat(NEWS_EVERY, self._tell_news))
            tasks.create_task(self._repeat(COMMAND_EVERY, self._command))
            tasks.create_task(self._repeat(FAILS_FOR + 10, self._fail))
            tasks.create_task(self._repeat(7, self._reset_connections))
            tasks.create_task(self._reload(reload_every, reloads))
            for number, tracker in enumerate(self._fleet.trackers):
                tasks.create_task(self._live(tracker, number / 10))

    def stop(self) -> None:
        """End it: let all be well, and wait for what is still being pushed."""
        self._stopping.set()
        for layer in self._fleet.layers().values():
            layer.end()
        for clock in self._fleet.clocks.values():
            clock.shift = 0
        for tracker in self._fleet.trackers:
            tracker.lost.set()

    async def drain(self, patience: float) -> None:
        """Wait until nothing is pushed any more."""
        if self._pushing:
            await asyncio.wait(self._pushing, timeout=patience)
        self._ledger.counters["pushes given up"] += len(self._pushing)
        for task in list(self._pushing):
            task.cancel()
        await self._session.close()

    async def _repeat(self, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            await act()
            await self._pause(seconds * self._random.uniform(0.5, 1.5))

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    # --- alarms ---

    async def _raise_alarm(self) -> None:
        """Raise an alarm at one of the vendors."""
        ledger, now = self._ledger, time.time()
        match self._random.choice(
            ("tracksolid", "tracksolid", "segway", "open_api", "vt3")
        ):
            case "tracksolid":
                device = self._random.choice([*self._fleet.tracksolid.devices.values()])
                code = ledger.raise_alarm(now)
                # One in five is stamped by a clock that is behind, or far ahead.
                shift = self._random.choice((0, 0, 0, -1800, 7200))
                item = pushes.alarm(device, code, "Soak", now + shift)
                self._push_alarm(code, *self._tracksolid("/pushalarm", item))
            case "segway":
                imei = self._random.choice([*self._fleet.segway.mopeds])
                code = ledger.raise_alarm(now)
                fields = {"statusUtcTime": int(now), "alertStatus": 0, "code": code}
                self._push_alarm(code, *self._segway("alert", imei, fields))
            case "open_api":
                car = self._random.choice(self._fleet.open_api.account("soak").devices)
                code = ledger.raise_alarm(now)
                place = car.vehicle.at(now).place
                car.alarms.append(
                    Alarm(
                        int(code), place.longitude, place.latitude, int(now), int(now)
                    )
                )
                ledger.counters["alarms polled"] += 1
            case _:
                tracker = self._random.choice(self._fleet.trackers)
                if tracker.connected.is_set():
                    code = ledger.raise_alarm(now)
                    ledger.counters["alarms over sockets"] += 1
                    with suppress(OSError):
                        await tracker.raise_event(code)

    def _tracksolid(self, path: str, item: object) -> tuple[str, bytes, str]:
        body = json.dumps({"data_list": [item]}).encode()
        return f"{self._urls['tracksolid']}{path}", body, "application/json"

    def _segway(
        self, kind: str, imei: str, fields: dict[str, object]
    ) -> tuple[str, bytes, str]:
        form = urlencode(self._sender.form(imei, fields)).encode()
        url = f"{self._urls['segway']}/v2/vehicle/{kind}"
        return url, form, "application/x-www-form-urlencoded"

    def _push_alarm(self, code: str, url: str, body: bytes, kind: str) -> None:
        repeated = self._random.random() < SHARE_OF_REPEATED
        self._go_on(self._push_until_taken(code, url, body, kind, repeated=repeated))

    def _go_on(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._pushing.add(task)
        task.add_done_callback(self._pushing.discard)

    async def _push_until_taken(
        self, code: str, url: str, body: bytes, kind: str, *, repeated: bool
    ) -> None:
        for _ in range(TRIES):
            if await self._post(url, body, kind) == 200:
                self._ledger.acknowledge(code, time.time())
                break
            await asyncio.sleep(RETRY_AFTER)
        else:
            self._ledger.counters["alarms never taken"] += 1
            return
        if repeated:
            await asyncio.sleep(RETRY_AFTER)
            self._ledger.counters["alarms pushed twice"] += 1
            await self._post(url, body, kind)

    async def _post(self, url: str, body: bytes, kind: str) -> int:
        try:
            async with self._session.post(
                url, data=body, headers={"Content-Type": kind}
            ) as answer:
                await answer.read()
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = 0
        self._ledger.counters[f"pushes answered {status or 'nothing'}"] += 1
        return status

    # --- news ---

    async def _tell_news(self) -> None:
        """Push an ordinary piece of news."""
        now = time.time()
        if self._random.random() < 0.5:
            device = self._random.choice([*self._fleet.tracksolid.devices.values()])
            item = pushes.gps(device, now - self._random.choice((0, 0, 300)))
            self._go_on(self._push(*self._tracksolid("/pushgps", item)))
            return
        imei = self._random.choice([*self._fleet.segway.mopeds])
        fields = self._fleet.segway.location_push(imei)
        self._go_on(self._push(*self._segway("location", imei, fields)))

    async def _push(self, url: str, body: bytes, kind: str) -> None:
        await self._post(url, body, kind)

    def _first_news(self) -> Iterable[tuple[str, object]]:
        """Yield pushes of kinds that a vehicle has not told before."""
        devices = [*self._fleet.tracksolid.devices.values()]
        for path in (
            "/pushtem",
            "/pushhb",
            "/pushobd",
            "/pushtripreport",
            "/pushfaultinfo",
        ):
            for device in devices:
                yield path, pushes.sample(path, device, time.time())
        for unit in range(1, 5):
            for device in devices:
                yield "/pushoil", pushes.oil(device, time.time(), unit + 1, 42.5, unit)

    # --- what a user does ---

    async def _command(self) -> None:
        """Command a vehicle, and count what came of it."""
        counters = self._ledger.counters
        number = self._random.randrange(len(self._fleet.trackers))
        action, target = self._random.choice(
            (
                ("switch/turn_on", f"switch.bus_{number}_output_1"),
                ("switch/turn_off", f"switch.bus_{number}_output_1"),
                ("lock/unlock", f"lock.moped_{number}_lock"),
            )
        )

        async def call() -> None:
            try:
                async with asyncio.timeout(60):
                    await self._home_assistant.post(
                        f"services/{action}", {"entity_id": target}
                    )
            except (DemoError, aiohttp.ClientError, TimeoutError, OSError):
                counters["commands that failed"] += 1
            else:
                counters["commands confirmed"] += 1

        counters["commands"] += 1
        self._go_on(call())

    async def _reload(self, every: float, most: int) -> None:
        """Reload the accounts in turn, each time under a stream of first news."""
        number = 0
        while self._ledger.counters["reloads"] < most and not self._stopping.is_set():
            number += 1
            began, was_down = time.monotonic(), self._ledger.is_down
            failed: Exception | None = None
            try:
                entries = await self._home_assistant.get(
                    f"config/config_entries/entry?domain={DOMAIN}"
                )
                # Tracksolid tells of first news, so every second reload is its.
                entry = self._chosen(entries, number)
                for _ in range(3):
                    if self._firsts:
                        path, item = self._firsts.pop(0)
                        self._go_on(self._push(*self._tracksolid(path, item)))
                await self._home_assistant.post(
                    f"config/config_entries/entry/{entry['entry_id']}/reload", {}
                )
            except (DemoError, aiohttp.ClientError, TimeoutError, OSError) as error:
                failed = error
            self._ledger.note_reload(failed, was_down=was_down)
            await self._pause(max(0.1, every - (time.monotonic() - began)))

    @staticmethod
    def _chosen(entries: Sequence[dict[str, Any]], number: int) -> dict[str, Any]:
        if number % 2 == 0:
            for entry in entries:
                if entry["title"].startswith("fleet"):
                    return entry
        return entries[number // 2 % len(entries)]

    # --- failures ---

    async def _fail(self) -> None:
        """Let one vendor fail for a while, forget its tokens, or put its clock off."""
        layers = self._fleet.layers()
        vendor = self._random.choice(sorted(layers))
        what = self._random.choice((*FAILURES, "token", "clock"))
        self._ledger.counters[f"failures: {what}"] += 1
        if what == "token":
            self._fleet.drop_tokens(vendor)
        elif what == "clock":
            self._fleet.clocks[vendor].shift = self._random.choice((-3600.0, 3600.0))
            await self._pause(FAILS_FOR)
            self._fleet.clocks[vendor].shift = 0
        else:
            layers[vendor].begin(Failure(what))
            await self._pause(FAILS_FOR)
            layers[vendor].end()

    async def _reset_connections(self) -> None:
        """Let some trackers lose their connection."""
        for tracker in self._random.sample(self._fleet.trackers, 3):
            self._ledger.counters["trackers that lost their connection"] += 1
            await tracker.disconnect()
            tracker.lost.set()

    async def _live(self, tracker: Vt3Simulator, delay: float) -> None:
        """Let a tracker connect, again and again, and tell what it has to tell."""
        await self._pause(delay)
        while not self._stopping.is_set():
            try:
                await tracker.connect("127.0.0.1", self._fleet.vt3_port)
                await tracker.live()
            except OSError:
                pass
            tracker.connected.clear()
            await tracker.disconnect()
            await self._pause(3)
