"""Requests to trackers, in the form that each tracker understands."""

from __future__ import annotations

from collections.abc import Mapping

from ...contract.commands import HARMLESS, Clearance
from ...contract.connection import Host
from ...contract.errors import CommandUnconfirmed
from ...model.json_values import Json
from ...model.vehicle import TimeSource, VehicleUpdate
from . import commands
from .commands import Request
from .errors import INVALID_PARAMETER, INVALID_TOKEN, Refused
from .frames import Message
from .server import Server
from .topics import CLIENT_TOKEN, Topic
from .tracker import Misunderstood, Tracker
from .tracker_memory import TrackerMemory


class Requester:
    """Asks accepted trackers."""

    def __init__(self, server: Server, host: Host, memory: TrackerMemory) -> None:
        """Initialize with the listener that sends, and the memory of what answers teach."""
        self._server = server
        self._host = host
        self._memory = memory

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

    async def read_answer(
        self,
        tracker: Tracker,
        topic: Topic,
        answer: Message,
        asked: Mapping[str, Json],
    ) -> tuple[Json, VehicleUpdate]:
        """Return the result in an answer and the news in it, and keep what it teaches."""
        result = answer.get("result", answer.get("payload"))
        try:
            update = tracker.read_answer(topic, result, asked, self._host.now())
        except Misunderstood as err:
            self._server.counts[str(err)] += 1
            return result, VehicleUpdate(
                vehicle_id=tracker.serial,
                heard_at=self._host.now(),
                heard_source=TimeSource.OURS,
            )
        await self._memory.remember(tracker)
        return result, update

    async def _request(
        self,
        tracker: Tracker,
        topic: Topic,
        payload: Mapping[str, Json],
        clearance: Clearance,
    ) -> Message:
        """Send a request, with a client token or without one as it worked before.

        3.2.1 wants one, no example has one. Requests that only read find out which is right.
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
            await self._memory.remember(tracker)
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
            await self._memory.remember(tracker)
        if commands.output_state(result, output) is not on:
            raise CommandUnconfirmed
        return update
