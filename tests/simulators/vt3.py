"""VT3 trackers, played from "FlexAPI Over TCP Reference for VT3 series".

A tracker is a TCP client. It uploads its groups by their intervals, tells events, and
answers requests strictly: what the document does not allow is answered with an error and
noted in `violations`. Where the document and real trackers differ, or it leaves something
open, a switch says how the simulated one behaves.

Alone: ``python -m tests.simulators.vt3 --host 127.0.0.1 --port 8000 --count 2`` lets
trackers connect, and again when they lose the connection.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
import signal
import time
from typing import Any

from . import world
from .failures import Failure, spoil
from .vt3_wire import Crc, Reader, WireError, checksum, frame
from .world import Happening

KMH_PER_KNOT = 1.852
REQUEST_SPACING = 3  # 2.3
CONTROL_SPACING = 5
MOST_GROUPS = 8
MOST_ITEMS = 32
LONGEST_TOKEN = 32
LONGEST_INTERVAL = 3600

# 3.2: groups whose settings can be changed, and their default intervals
INTERVALS = {"obd": 10, "gnss": 10, "motion": 10, "io": 10, "cellular1": 30}
SUMMARY = "summary"
"""A group that 3.2.1 names without saying what is in it, or how often it is uploaded."""
# Names that are taken in topics, so that no custom group can have them
TAKEN = {*INTERVALS, SUMMARY, "sysinfo", "modem1", "event", "group"}
# Appendix A, and the further keys of the examples (3.2.6, 3.2.7, 3.3.3, 3.3.4, 3.3.6)
PARAMETERS = frozenset(
    f"{prefix}.{name}"
    for prefix, names in {
        "gnss": "ts latitude longitude altitude speed heading hdop fix num_sv"
        " pdop hacc date time",
        "motion": "ts ax ay az gx gy gz roll pitch yaw",
        "io": "ts AI1 AI2 AI3 DI1 DI2 DI3 DI4 DI1_pullup DI2_pullup DI3_pullup DI4_pullup"
        " DO1 DO2 DO3 IGT",
        "obd": "ts vin e_load c_temp rpm speed f_lvl f_rate mil b_volt a_temp o_temp"
        " up_time m_dist d_dist m_time d_time f_press t_pos brake parking s_w_angle f_econ"
        " odo a_pos t_dist i_temp i_press b_press f_r_press r_torque f_torque"
        " max_avl_torque a_torque d_e_f_vol mf_mon f_s_mon c_c_mon c_mon h_c_mon e_s_mon"
        " s_a_s_mon a_s_r_mon e_g_s_mon e_g_s_h_mon e_v_s_mon c_s_a_s_mon b_p_c_s_mon"
        " dpf_mon n_c_mon nmhc_mon o_s_mon o_s_h_mon pf_mon brake_prim_press"
        " brake_sec_press e_hours ab_level",
        "modem1": "ts imei imsi iccid phone_num signal_lvl reg_status operator network lac"
        " cell_id rssi rsrp rsrq sinr active_sim",
        "cellular1": "ts status ip netmask gateway dns1 up_at",
        "sysinfo": "ts hostname model_name oem_name serial_number firmware_version"
        " product_number description",
    }.items()
    for name in names.split()
)
USER_DATA = "userdata."
ERRORS = {
    "auth_failed": "authentication failed",
    "invalid_parameter": "Invalid request parameter",
    "not_found": "resource not exist",
    "device_busy": "device busy",
    "device_error": "device internal error",
    "data_invalid": "resource invalid",
}
EVENTS = {
    Happening.IGNITION_ON: ("IGON", 1),
    Happening.IGNITION_OFF: ("IGOFF", 1),
    Happening.SPEEDING: ("OVERSPEED", 2),
    Happening.HARSH_BRAKING: ("HARSH_BRAKING", 2),
    Happening.HARSH_ACCELERATION: ("HARSH_ACCELERATION", 2),
    Happening.COLLISION: ("COLLISION", 4),
}


class Failed(Exception):
    """A request fails with an error code (2.1.2)."""

    def __init__(self, code: str) -> None:
        """Initialize with the code."""
        super().__init__(code)
        self.code = code


@dataclass(kw_only=True)
class Behaviour:
    """How a tracker does what the document leaves open, or real ones do otherwise."""

    crc: Crc = Crc.USUAL
    knots: bool = False
    """Tell the GNSS speed in knots, as newer documents say."""
    clock_behind: int = 0
    """Seconds that the tracker's own clock is behind."""
    without_token: bool = False
    """Refuse requests with a client token, which no example has."""
    dtc: str = "obd.dtcs"
    """What it calls the number of trouble codes: as in 3.2.3, or obd.dtc as in A.4."""
    zero_outputs: bool = False
    """Know the outputs only as io.D01, as 3.4.1 writes them."""
    nulls: bool = False
    """Tell what is not known as null, else leave it out."""
    sentinels: bool = False
    """Tell the least of the scale for what is not known while the engine is off."""
    echo: str | None = "result"
    """Where the client token is repeated: result, body, or nowhere."""
    error_in_body: bool = False
    """Put errors into the body as 2.1.1 says, else into the result as examples do."""
    cellular_topic: str = "cellular1"
    """Or modem1, as 3.1.5 writes it."""
    errors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The codes that the next requests (``io/control``) fail with."""
    silent: set[str] = field(default_factory=set)
    """Requests that are never answered; ``*`` for all."""


class Vt3Simulator:
    """A simulated tracker."""

    def __init__(
        self,
        serial: str,
        vehicle: world.Vehicle,
        *,
        clock: Callable[[], float] = time.time,
        behaviour: Behaviour | None = None,
        model: str = "VT310",
    ) -> None:
        """Initialize with the tracker's vehicle and the clock (UNIX seconds)."""
        self.serial = serial
        self.vehicle = vehicle
        self.behaviour = behaviour or Behaviour()
        self.model = model
        self.intervals: dict[str, int] = dict(INTERVALS)
        self.interests: dict[str, dict[str, str]] = {}
        """By group: the parameters that are told, and under which name."""
        self.outputs = [0, 0, 0]
        self.inputs = [0, 0, 0, 0]
        self.trouble_codes: set[str] = set()
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """What was asked for, with the payload."""
        self.violations: list[str] = []
        self.failure: Failure | None = None
        """How what it sends fails, until a test says otherwise."""
        self._spoilt = 0
        self.connected = asyncio.Event()
        self.lost = asyncio.Event()
        self._clock = clock
        self._writer: asyncio.StreamWriter | None = None
        self._listener: asyncio.Task[None] | None = None
        self._asked_at: dict[bool, float] = {}

    # --- life ---------------------------------------------------------------------------

    async def connect(
        self, host: str, port: int, *, local_address: str | None = None
    ) -> None:
        """Connect. Raises OSError when that fails."""
        reader, self._writer = await asyncio.open_connection(
            host, port, local_addr=(local_address, 0) if local_address else None
        )
        self.lost.clear()
        self.connected.set()
        self._listener = asyncio.create_task(self._listen(reader))

    async def disconnect(self) -> None:
        """End the connection."""
        if self._writer is not None:
            self._writer.close()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)
            self._listener = None

    async def send_bytes(self, data: bytes) -> None:
        """Send anything."""
        if self._writer is None:
            raise ConnectionError("not connected")
        self._writer.write(data)
        await self._writer.drain()

    async def send(self, topic: str, **parts: Any) -> None:
        """Send a message."""
        message = {"topic": f"v1/{self.serial}/{topic}", **parts}
        if self.failure is None:
            await self.send_bytes(frame(message, self.behaviour.crc))
        else:
            await self._fail(self.failure, message)

    async def _fail(self, failure: Failure, message: Mapping[str, Any]) -> None:
        """Send a message as a failure has it. Connections that it ends stay so."""
        packet = frame(message, self.behaviour.crc)
        number, self._spoilt = self._spoilt, self._spoilt + 1
        match failure:
            case Failure.HANG:
                return
            case Failure.HANG_AFTER_HEADERS:
                await self.send_bytes(packet[: len(packet) // 2])
            case Failure.RESET_IN_BODY:
                await self.send_bytes(packet[: len(packet) // 2])
                if self._writer is not None:
                    self._writer.transport.abort()
            case Failure.TLS:
                # What a client says first that wants TLS (RFC 8446, 4.1.2).
                await self.send_bytes(
                    bytes.fromhex("16030100c8010000c40303") + b"x" * 99
                )
            case Failure.HTML:
                await self.send_bytes(b"HTTP/1.1 200 OK\r\n\r\n<html></html>\r\n")
            case Failure.EMPTY:
                await self.send_bytes(frame({}, self.behaviour.crc))
            case Failure.OVERSIZED:
                await self.send_bytes(b'${"topic":"' + b"x" * 1_000_000)
            case Failure.TRUNCATED:
                await self.send_bytes(packet[:-20] + b"\r\n")
            case Failure.DEEP:
                body = b'{"topic":' + b"[" * 10_000 + b"]" * 10_000 + b"}"
                end = checksum(body, self.behaviour.crc) + b"\r\n"
                await self.send_bytes(b"$" + body + end)
            case _:
                body = spoil(
                    failure, packet[1:-4], number, kept=("topic", "client_token")
                )
                end = checksum(body, self.behaviour.crc) + b"\r\n"
                await self.send_bytes(b"$" + body + end)

    async def upload(self, group: str) -> None:
        """Send a group's data as it is sent by the interval (3.1, 4.2)."""
        topic = self.behaviour.cellular_topic if group == "cellular1" else group
        await self.send(f"{topic}/info", payload=self._told(group))

    async def live(self, *, trouble: bool = False, tick: float = 1) -> None:
        """Upload and tell events as time passes, until the connection ends.

        ``tick`` is how often it looks what there is to tell, in seconds of the event
        loop. ``trouble`` raises a trouble code every three minutes, and clears it again.
        """
        sent = dict.fromkeys(self.intervals, 0.0)
        since = self._clock()
        with contextlib.suppress(OSError):
            # No group of 3.1, but real trackers tell it by themselves.
            await self.upload("sysinfo")
        while not self.lost.is_set():
            now = self._clock()
            with contextlib.suppress(OSError):
                for event in self.vehicle.happenings(since + 0.001, now):
                    if event.what in EVENTS:
                        name, level = EVENTS[event.what]
                        await self.raise_event(name, level=level, at=event.time)
                if trouble and (int(now) // 90 % 2 == 1) != bool(self.trouble_codes):
                    await self._toggle_trouble()
                for group, interval in self.intervals.items():
                    if interval and now - sent.get(group, 0.0) >= interval:
                        sent[group] = now
                        await self.upload(group)
            since = now
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.lost.wait(), tick)

    async def _toggle_trouble(self) -> None:
        if self.trouble_codes:
            await self.clear_trouble_code("P070F")
        else:
            await self.raise_trouble_code("P070F", "Transmission Fluid Level Too Low")

    # --- events (chapter 5) -------------------------------------------------------------

    async def raise_event(
        self,
        name: str,
        *,
        level: int = 1,
        at: float | None = None,
        ended: float | None = None,
        place: bool = True,
        **more: Any,
    ) -> None:
        """Tell an event; one that ended is a recovery."""
        payload: dict[str, Any] = {
            "starts_at": self._time() if at is None else int(at),
            "status": "raise" if ended is None else "clear",
            "type": name,
            "level": level,
            **more,
        }
        if ended is not None:
            payload["ends_at"] = int(ended)
        if place:
            told = self._gnss() | self._motion() | self._obd()
            payload |= {
                key: told[key]
                for key in (
                    *("gnss.longitude", "gnss.latitude", "gnss.altitude"),
                    *("gnss.heading", "gnss.speed", "gnss.hdop"),
                    *("obd.speed", "obd.f_lvl", "obd.odo"),
                    *("motion.ax", "motion.ay", "motion.az"),
                    *("motion.gx", "motion.gy", "motion.gz"),
                )
                if told.get(key) is not None
            }
        await self.send("event/notice", payload=payload)

    async def raise_trouble_code(self, code: str, text: str | None = None) -> None:
        """Tell an OBD-II trouble code (5.4.3.1)."""
        self.trouble_codes.add(code)
        await self.raise_event(f"OBDII_DTC_{code}", level=2, dtc=code, desc=text or "")

    async def clear_trouble_code(self, code: str) -> None:
        """Tell that a trouble code is gone."""
        self.trouble_codes.discard(code)
        now = self._clock()
        await self.raise_event(
            f"OBDII_DTC_{code}", level=2, at=now - 90, ended=now, dtc=code
        )

    async def raise_j1939(
        self, spn: int, fmi: int, oc: int = 1, *, ended: bool = False
    ) -> None:
        """Tell a J1939 trouble code, or its recovery (5.4.3.2)."""
        now = self._clock()
        await self.raise_event(
            f"J1939_DTC_{spn}",
            level=2,
            at=now - 255 if ended else now,
            ended=now if ended else None,
            src_addr=0,
            fmi=fmi,
            oc=oc,
            spn=spn,
        )

    # --- what it knows ------------------------------------------------------------------

    def _time(self) -> int:
        """Return the time that the tracker's clock shows (UNIX seconds)."""
        return int(self._clock()) - self.behaviour.clock_behind

    def _told(self, group: str) -> dict[str, Any]:
        """Return the values of a group, under the names that were set."""
        interest = self.interests.get(group)
        if interest is None:
            return self._all() if group == SUMMARY else self._values(group)
        # Any group may have parameters of others (3.2.1, case 3).
        values = self._all()
        return {
            alias or key: values[key]
            for key, alias in interest.items()
            if key in values
        }

    def _values(self, group: str) -> dict[str, Any]:
        return {
            "gnss": self._gnss,
            "motion": self._motion,
            "io": self._io,
            "obd": self._obd,
            "cellular1": self._cellular,
            "sysinfo": self._sysinfo,
        }[group]()

    def _all(self) -> dict[str, Any]:
        return (
            self._gnss()
            | self._motion()
            | self._io()
            | self._obd()
            | self._cellular()
            | {"userdata.custom_key": "custom_value"}
        )

    def _gnss(self) -> dict[str, Any]:
        state = self.vehicle.at(self._clock())
        speed = state.speed / (KMH_PER_KNOT if self.behaviour.knots else 1)
        return {
            "gnss.ts": self._time(),
            "gnss.latitude": round(state.place.latitude, 6),
            "gnss.longitude": round(state.place.longitude, 6),
            "gnss.altitude": 3.5,
            "gnss.speed": round(speed, 1),
            "gnss.heading": round(state.course, 1),
            "gnss.hdop": 1.2,
            "gnss.fix": 3,
            "gnss.num_sv": 9,
        }

    def _motion(self) -> dict[str, Any]:
        moving = self.vehicle.at(self._clock()).speed > 0
        return {
            "motion.ts": self._time(),
            "motion.ax": 0.08 if moving else 0.0,
            "motion.ay": 0.0,
            "motion.az": 0.98,
            "motion.gx": 0.15,
            "motion.gy": 0.03,
            "motion.gz": -0.47,
        }

    def _io(self) -> dict[str, Any]:
        values: dict[str, Any] = {"io.ts": self._time(), "io.AI1": 0.0}
        for number, level in enumerate(self.inputs, start=1):
            values[f"io.DI{number}"] = level
            values[f"io.DI{number}_pullup"] = 0
        for number, level in enumerate(self.outputs, start=1):
            values[f"io.DO{number}"] = level
        values["io.IGT"] = int(self.vehicle.at(self._clock()).ignition)
        return values

    def _obd(self) -> dict[str, Any]:
        state = self.vehicle.at(self._clock())
        told: dict[str, Any] = {
            "obd.ts": self._time(),
            "obd.vin": "WDB9066571S000001",
            "obd.f_lvl": 62.5,
            self.behaviour.dtc: len(self.trouble_codes),
            "obd.mil": int(bool(self.trouble_codes)),
            "obd.odo": round(state.odometer / 1000, 3),
            "obd.e_hours": 4210,
            "obd.mf_mon": 1,
        }
        live: dict[str, Any] = {
            "obd.e_load": 31.5,
            "obd.c_temp": 88,
            "obd.o_temp": 92,
            "obd.rpm": 800 + 25 * state.speed,
            "obd.speed": round(state.speed),
            "obd.b_volt": 13.9,
            "obd.brake": int(state.speed == 0),
            "obd.parking": 0,
            "obd.a_torque": 12.0,
        }
        if state.ignition:
            return told | live
        if self.behaviour.nulls:
            return told | dict.fromkeys(live)
        if self.behaviour.sentinels:
            least = {"obd.c_temp": -40, "obd.o_temp": -273, "obd.a_torque": -125}
            return told | {"obd.rpm": 0, "obd.speed": 0} | least
        return told

    def _cellular(self) -> dict[str, Any]:
        return {
            "modem1.ts": self._time(),
            "modem1.imei": "862104021247207",
            "modem1.imsi": "",
            "modem1.iccid": "89860118802836799717",
            "modem1.signal_lvl": 28,
            "modem1.reg_status": 1,
            "modem1.operator": "46001",
            "modem1.network": 3,
            "modem1.lac": "EA00",
            "modem1.cell_id": "71CF520",
            "cellular1.status": 3,
            "cellular1.ip": "10.210.255.168",
            "cellular1.netmask": "255.255.255.255",
            "cellular1.gateway": "1.1.1.3",
            "cellular1.dns1": "119.7.7.7",
            "cellular1.up_at": 381,
        }

    def _sysinfo(self) -> dict[str, Any]:
        return {
            "sysinfo.ts": self._time(),
            "sysinfo.model_name": self.model,
            "sysinfo.oem_name": "inhand",
            "sysinfo.serial_number": self.serial,
            "sysinfo.firmware_version": "VT3_V1.0.22",
            "sysinfo.product_number": "FQ58",
            "sysinfo.description": "www.inhand.com.cn",
        }

    # --- requests -----------------------------------------------------------------------

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        packets = Reader(self.behaviour.crc)
        try:
            while data := await reader.read(65536):
                for message in packets.feed(data):
                    await self._on_request(message)
        except WireError as err:
            self.violations.append(str(err))
        except OSError:
            pass  # the peer ended it rudely, which is its right
        finally:
            self.connected.clear()
            self.lost.set()

    async def _on_request(self, message: dict[str, Any]) -> None:
        payload = message.get("payload", {})
        parts = str(message.get("topic")).split("/")
        if len(parts) != 4 or not isinstance(payload, dict):
            self.violations.append("no request")
            return
        version, serial, group, action = parts
        request = f"{group}/{action}"
        self.requests.append((request, payload))
        if (version, serial) != ("v1", self.serial):
            self.violations.append("a topic of somebody else")
            return
        token = payload.get("client_token")
        if token is None and action == "set" and not self.behaviour.without_token:
            self.violations.append("no client token")
        if {request, "*"} & self.behaviour.silent:
            return
        asked = {key: value for key, value in payload.items() if key != "client_token"}
        try:
            self._check_spacing(action)
            self._check_token(token)
            result: Any = self._carry_out(group, action, asked)
        except Failed as failed:
            result = {
                "error": failed.code,
                "error_desc": ERRORS.get(failed.code, failed.code),
            }
            if self.behaviour.error_in_body:
                await self._answer(request, token, body=result)
                return
        await self._answer(request, token, result=result)

    async def _answer(
        self,
        request: str,
        token: str | None,
        *,
        result: Any = None,
        body: Mapping[str, Any] | None = None,
    ) -> None:
        parts: dict[str, Any] = dict(body or {})
        if result is not None:
            parts["result"] = result
        if token is not None and self.behaviour.echo == "body":
            parts["client_token"] = token
        if token is not None and self.behaviour.echo == "result":
            where = parts.get("result")
            # A list has no room for it.
            target = where if isinstance(where, dict) else parts
            target["client_token"] = token
        with contextlib.suppress(OSError):
            await self.send(f"{request}/resp", **parts)

    def _check_token(self, token: object) -> None:
        """Refuse a client token that is too long (2.3), or any where none is known."""
        if token is None:
            return
        fits = isinstance(token, str) and 0 < len(token.encode()) <= LONGEST_TOKEN
        if not fits:
            self.violations.append("client token")
        if not fits or self.behaviour.without_token:
            raise Failed("invalid_parameter")

    def _check_spacing(self, action: str) -> None:
        """Be too busy for requests that follow too closely (2.3)."""
        is_control = action == "control"
        now = self._clock()
        before = self._asked_at.get(is_control)
        self._asked_at[is_control] = now
        spacing = CONTROL_SPACING if is_control else REQUEST_SPACING
        if before is not None and 0 <= now - before < spacing - 0.01:
            self.violations.append(f"{action} after {now - before:.1f} s")
            raise Failed("device_busy")

    def _carry_out(self, group: str, action: str, asked: dict[str, Any]) -> Any:
        if errors := self.behaviour.errors[f"{group}/{action}"]:
            raise Failed(errors.pop(0))
        if asked and action in ("get", "refresh"):
            raise Failed("invalid_parameter")
        match group, action:
            case "group", "get":
                return self._custom_groups()
            case "group", "set":
                return self._set_groups(asked)
            case "io", "control":
                return self._control(asked)
            case _, "refresh":
                return self._refresh(group)
            case _, "set":
                return self._set(group, asked)
        raise Failed("not_found")

    def _custom_groups(self) -> list[dict[str, Any]]:
        return [
            {
                "group_name": name,
                "interval": self.intervals[name],
                "interest": dict(self.interests[name]),
            }
            for name in self._custom()
        ]

    def _custom(self) -> list[str]:
        return [name for name in self.intervals if name not in TAKEN]

    def _refresh(self, group: str) -> dict[str, Any]:
        """Return what 3.3 and 4.3 show: no time, but for GNSS as date and time."""
        if group == "sysinfo":
            return self._sysinfo()
        if group not in self.intervals:
            raise Failed("not_found")
        if group == "cellular1" and group not in self.interests:
            return self._cellular() | {"cellular1.ts": self._time()}
        if group not in INTERVALS or group in self.interests:
            return self._told(group)
        values = self._values(group)
        del values[f"{group}.ts"]
        now = datetime.fromtimestamp(self._clock(), UTC)
        if group == "gnss":
            values |= {
                "gnss.pdop": 2.1,
                "gnss.hacc": 1.0,
                "gnss.date": f"{now.year}-{now.month}-{now.day}",
                "gnss.time": f"{now:%H:%M:%S}",
            }
        if group == "motion":
            values |= {"motion.roll": -0.65, "motion.pitch": 1.03, "motion.yaw": 302.5}
        if group == "io":
            del values["io.IGT"]
        return values

    def _set(self, group: str, asked: dict[str, Any]) -> dict[str, Any]:
        if group not in (*self.intervals, SUMMARY):
            raise Failed("not_found")
        self._check_settings(asked)
        self._apply(group, asked)
        return dict(asked)

    def _set_groups(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        settings = asked.get("settings")
        if not isinstance(settings, list) or set(asked) != {"settings"}:
            raise Failed("invalid_parameter")
        for group in settings:
            if not isinstance(group, dict):
                raise Failed("invalid_parameter")
            rest = {key: value for key, value in group.items() if key != "group_name"}
            name = group.get("group_name")
            if not isinstance(name, str) or not name or name in TAKEN:
                raise Failed("invalid_parameter")
            self._check_settings(rest)
        names = {group["group_name"] for group in settings}
        if len(names) < len(settings) or len(names.union(self._custom())) > MOST_GROUPS:
            raise Failed("invalid_parameter")
        for group in settings:
            name = group["group_name"]
            self.intervals.setdefault(name, 0)
            self.interests.setdefault(name, {})
            self._apply(name, group)
        return settings

    def _check_settings(self, asked: dict[str, Any]) -> None:
        if not asked or not set(asked) <= {"interval", "interest"}:
            raise Failed("invalid_parameter")
        interval = asked.get("interval", 0)
        if type(interval) is not int or not 0 <= interval <= LONGEST_INTERVAL:
            raise Failed("invalid_parameter")
        interest = asked.get("interest", {"obd.rpm": ""})
        if not isinstance(interest, dict) or not 0 < len(interest) <= MOST_ITEMS:
            raise Failed("invalid_parameter")
        known = PARAMETERS | {self.behaviour.dtc}
        if not all(key in known or key.startswith(USER_DATA) for key in interest):
            raise Failed("invalid_parameter")
        if not all(isinstance(alias, str) for alias in interest.values()):
            raise Failed("invalid_parameter")
        if len({alias or key for key, alias in interest.items()}) < len(interest):
            raise Failed("invalid_parameter")

    def _apply(self, group: str, asked: dict[str, Any]) -> None:
        if "interval" in asked:
            self.intervals[group] = asked["interval"]
        if "interest" in asked:
            self.interests[group] = dict(asked["interest"])

    def _control(self, asked: dict[str, Any]) -> dict[str, Any]:
        letter = "0" if self.behaviour.zero_outputs else "O"
        known = [f"io.D{letter}{number}" for number in (1, 2, 3)]
        if not asked or not set(asked) <= set(known):
            raise Failed("invalid_parameter")
        if not all(type(level) is int and level in (0, 1) for level in asked.values()):
            raise Failed("invalid_parameter")
        for name, level in asked.items():
            self.outputs[known.index(name)] = level
        return dict(asked)


# --- alone ------------------------------------------------------------------------------

DEMO_SERIALS = ("VF3102025100101", "VF3102025100102")


def demo_trackers(
    count: int = 2, *, clock: Callable[[], float] = time.time
) -> list[Vt3Simulator]:
    """Return trackers whose vehicles drive. The first two are those of the demo."""
    now = clock()
    return [
        Vt3Simulator(
            DEMO_SERIALS[number] if number < 2 else f"VF31020251{number:05}",
            world.errand(now - 7 * number, world.HOME, 40 + 70 * number, 700),
            clock=clock,
        )
        for number in range(count)
    ]


async def keep_connected(tracker: Vt3Simulator, host: str, port: int) -> None:
    """Let a tracker live, and connect again whenever it lost the connection."""
    while True:
        try:
            await tracker.connect(host, port)
        except OSError as err:
            print(f"{tracker.serial}: {err.strerror}", flush=True)
        else:
            print(f"{tracker.serial}: connected", flush=True)
            await tracker.live(trouble=True)
            await tracker.disconnect()
            print(f"{tracker.serial}: connection lost", flush=True)
        # A tracker waits before it connects again.
        await asyncio.sleep(3)


FOREIGN_NAMES = {"obd.f_lvl": "tank", "obd.odo": "km"}
"""Names that another program may have given to values, which no document knows."""


async def run(host: str, port: int, trackers: Sequence[Vt3Simulator]) -> None:
    """Run some trackers until a signal comes."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    tasks = [
        asyncio.create_task(keep_connected(tracker, host, port)) for tracker in trackers
    ]
    await stop.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description="Simulated VT3 trackers")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--count", type=int, default=2)
    parser.add_argument(
        "--foreign-names",
        action="store_true",
        help="upload values under names that another program gave them",
    )
    arguments = parser.parse_args()
    trackers = demo_trackers(arguments.count)
    for tracker in trackers if arguments.foreign_names else ():
        tracker.interests["obd"] = dict(FOREIGN_NAMES)
    asyncio.run(run(arguments.host, arguments.port, trackers))


if __name__ == "__main__":
    main()
