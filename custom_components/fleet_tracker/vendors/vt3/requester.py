"""Asking trackers, and understanding their answers: values, settings, and how they spell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ...contract.commands import HARMLESS, Clearance
from ...contract.connection import Host
from ...contract.errors import CommandUnconfirmed
from ...model.json_values import Json
from ...model.vehicle import TimeSource, VehicleUpdate
from . import commands
from .commands import CUSTOM_GROUP, GROUP_NAME, INTEREST, INTERVAL, Request
from .errors import INVALID_PARAMETER, INVALID_TOKEN, Refused
from .frames import Message
from .mapping import map_details
from .parameters import IO, RESERVED_GROUPS, SYSINFO
from .server import Server
from .topics import CLIENT_TOKEN, CONTROL, GET, INFO, REFRESH, SET, Topic
from .tracker import Tracker

# Keys of the memory
INTERESTS = "interests"
WITH_ZERO = "outputs_with_zero"
WITHOUT_TOKEN = "without_client_token"

MOST_CUSTOM_GROUPS = 16
"""Of one tracker: the vendor's larger devices have so many, VT3 trackers half (2.3)."""


class Requester:
    """Asks the accepted trackers, and remembers what their answers teach."""

    def __init__(
        self, server: Server, host: Host, trackers: Mapping[str, Tracker]
    ) -> None:
        """Initialize with the trackers that are accepted now and later."""
        self._server = server
        self._host = host
        self._trackers = trackers

    async def ask(
        self,
        tracker: Tracker,
        request: Request,
        clearance: Clearance = HARMLESS,
    ) -> tuple[Json, VehicleUpdate]:
        """Send a request; return its result, and what is known by it.

        Raises what `Server.request` does.
        """
        topic = request.topic(tracker.serial)
        answer = await self._request(tracker, topic, request.payload, clearance)
        return await self.read_answer(tracker, topic, answer, request.payload)

    async def _request(
        self,
        tracker: Tracker,
        topic: Topic,
        payload: Mapping[str, Json],
        clearance: Clearance,
    ) -> Message:
        """Send a request, with a client token or without one as it worked before.

        3.2.1 wants one, no example has one. What only reads finds out which is right.
        """
        with_token = tracker.with_token
        repeat = not clearance.stops
        try:
            answer = await self._server.request(
                topic,
                payload,
                repeat=repeat,
                with_token=with_token,
                clearance=clearance,
            )
        except Refused as err:
            if (
                err.code not in (INVALID_PARAMETER, INVALID_TOKEN)
                or tracker.token_settled
                or not topic.only_reads
                or CLIENT_TOKEN in payload
            ):
                raise
            with_token = not with_token
            answer = await self._server.request(
                topic,
                payload,
                repeat=repeat,
                with_token=with_token,
                clearance=clearance,
            )
        tracker.token_settled = True
        if tracker.with_token is not with_token:
            tracker.with_token = with_token
            await self.remember(tracker)
        return answer

    async def reset(
        self, tracker: Tracker, request: Request, clearance: Clearance
    ) -> tuple[Json, VehicleUpdate]:
        """Set the parameters of a group anew, spelled as in Appendix A if it must be.

        Raises what `Server.request` does.
        """
        try:
            return await self.ask(tracker, request, clearance)
        except Refused as err:
            other = commands.spelled_as_in_appendix(request)
            if err.code != INVALID_PARAMETER or other is None:
                raise
            return await self.ask(tracker, other, clearance)

    async def switch(
        self, tracker: Tracker, output: int, clearance: Clearance, *, on: bool
    ) -> VehicleUpdate:
        """Switch an output, spelled as it worked before, else in the other way too.

        Raises CommandUnconfirmed when the answer does not say that it is so now.
        """
        first = tracker.with_zero
        request = commands.set_output(output, on=on, with_zero=first)
        try:
            result, update = await self.ask(tracker, request, clearance)
        except Refused as err:
            if err.code != INVALID_PARAMETER:
                raise
            request = commands.set_output(output, on=on, with_zero=not first)
            result, update = await self.ask(tracker, request, clearance)
            tracker.with_zero = not first
            await self.remember(tracker)
        if commands.output_state(result, output) is not on:
            raise CommandUnconfirmed
        return update

    async def read_answer(
        self,
        tracker: Tracker,
        topic: Topic,
        answer: Message,
        asked: Mapping[str, Json],
    ) -> tuple[Json, VehicleUpdate]:
        """Return the result in an answer, and what is known by it."""
        result = answer.get("result", answer.get("payload"))
        update = VehicleUpdate(
            vehicle_id=tracker.serial,
            heard_at=self._host.now(),
            heard_source=TimeSource.OURS,
        )
        if topic.group == CUSTOM_GROUP:
            found = commands.settings_in(result)[:MOST_CUSTOM_GROUPS]
            if topic.action == GET and isinstance(result, list):
                tracker.forget_groups({str(group[GROUP_NAME]) for group in found})
                tracker.groups_are_known = True
            for group in found:
                update = self._learn(tracker, str(group[GROUP_NAME]), group, update)
            await self.remember(tracker)
        elif not isinstance(result, Mapping):
            self._server.counts["without_payload"] += 1
        elif topic.action == SET:
            update = self._learn(tracker, topic.group, {**asked, **result}, update)
            await self.remember(tracker)
        elif topic.action == REFRESH or (topic.group, topic.action) == (IO, CONTROL):
            update = self.map_values(tracker, topic, result)
        return result, update

    def map_values(
        self, tracker: Tracker, topic: Topic, values: Mapping[str, Json]
    ) -> VehicleUpdate:
        """Return the news in a group's values, which only an upload lists completely."""
        update = tracker.mapper.map_values(
            topic.group, values, self._host.now(), complete=topic.action == INFO
        )
        if topic.group == SYSINFO:
            known = self._host.vehicle(tracker.serial)
            details = map_details(
                tracker.name, tracker.serial, known.details if known else None, values
            )
            update = replace(update, details=details)
        if (capabilities := tracker.new_capabilities()) is not None:
            update = replace(update, capabilities=capabilities)
        return update

    def _learn(
        self,
        tracker: Tracker,
        group: str,
        settings: Mapping[str, Json],
        update: VehicleUpdate,
    ) -> VehicleUpdate:
        """Note how a group is set up now, and add it to an update."""
        if isinstance(interest := settings.get(INTEREST), Mapping):
            tracker.mapper.learn(group, interest)
        if group not in RESERVED_GROUPS:
            tracker.custom_groups.add(group)
        interval = tracker.mapper.map_interval(
            group, settings.get(INTERVAL), self._host.now()
        )
        return replace(
            update,
            groups=(*update.groups, *interval.groups),
            capabilities=tracker.capabilities(),
        )

    def recall(self, tracker: Tracker) -> None:
        """Give a tracker what was remembered of it."""
        tracker.with_zero = tracker.serial in self._serials(WITH_ZERO)
        tracker.with_token = tracker.serial not in self._serials(WITHOUT_TOKEN)
        interests = _object(self._host.memory.get(INTERESTS))
        for group, interest in _object(interests.get(tracker.serial)).items():
            tracker.mapper.learn(group, _object(interest))
            if group not in RESERVED_GROUPS:
                tracker.custom_groups.add(group)

    async def remember(self, tracker: Tracker) -> None:
        """Keep what was learned of a tracker, if that is new."""
        memory, serial = self._host.memory, tracker.serial
        interests: dict[str, Json] = {
            group: {key: "" if alias == key else alias for alias, key in names.items()}
            for group, names in tracker.mapper.aliases.items()
        }
        kept = _object(memory.get(INTERESTS))
        if interests != kept.get(serial, {}):
            others = {one: names for one, names in kept.items() if one != serial}
            news = {serial: interests} if interests else {}
            await memory.put(INTERESTS, {**others, **news})
        for key, is_so in (
            (WITH_ZERO, tracker.with_zero),
            (WITHOUT_TOKEN, not tracker.with_token),
        ):
            serials = self._serials(key)
            if is_so and serial not in serials:
                await memory.put(key, [*serials, serial])
            elif not is_so and serial in serials:
                await memory.put(key, [one for one in serials if one != serial])

    async def forget_others(self) -> None:
        """Forget what was learned of trackers that are not accepted any more."""
        memory = self._host.memory
        interests = _object(memory.get(INTERESTS))
        if interests.keys() - self._trackers.keys():
            kept = {one: interests[one] for one in interests if one in self._trackers}
            await memory.put(INTERESTS, kept)
        for key in (WITH_ZERO, WITHOUT_TOKEN):
            serials = self._serials(key)
            left = [one for one in serials if one in self._trackers]
            if left != serials:
                await memory.put(key, left)

    def _serials(self, key: str) -> list[Json]:
        """Return the serial numbers that are remembered for something."""
        serials = self._host.memory.get(key)
        return list(serials) if isinstance(serials, list) else []


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}
