"""Chapter 8: commands, the way they go, and what comes of them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from .device import Device, Entry, Sent, stamp
from .registry import Params, Refusal, Reply, method

if TYPE_CHECKING:
    from .server import TracksolidSimulator

HEX = re.compile(r"([0-9A-Fa-f]{2})+")
PLACES = re.compile(r"\{\d+\}")
FAILURES = {"refuses": 227, "busy": 252, "unsupported": 243}


@method("jimi.open.instruction.list", "imei")
def instruction_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """8.1: what a model can be told; the ids differ from model to model."""
    return Reply(
        [
            {
                "id": entry_id,
                "orderName": name,
                "orderContent": template,
                "orderExplain": None,
                "orderMsg": None,
                "isOffLine": "1" if waits else "0",
            }
            for entry_id, name, template, waits in sim.device(
                params["imei"]
            ).command_list()
        ]
    )


def _failure(code: int) -> Refusal:
    """Return how a failure is told: in the text, behind a full-width colon."""
    return Refusal(12005, f"Fail to send command. Result code：{code}")


def _filled(device: Device, text: str) -> tuple[Entry, str, bool]:
    """Return the entry that is sent, its filled template, and whether it covers."""
    try:
        command = json.loads(text)
    except ValueError:
        raise Refusal(1001, "Parameter error: inst_param_json") from None
    if not isinstance(command, dict) or not {
        "inst_id",
        "inst_template",
        "params",
    } <= command.keys() <= {"inst_id", "inst_template", "params", "is_cover"}:
        raise Refusal(1001, "Parameter error: inst_param_json")
    values = command["params"]
    if not isinstance(command["inst_id"], str) or not isinstance(values, list):
        raise Refusal(1001, "Parameter error: inst_param_json")
    entry = next(
        (e for e in device.command_list() if str(e[0]) == command["inst_id"]), None
    )
    if entry is None or entry[2] != command["inst_template"]:
        raise Refusal(1001, "Parameter error: inst_id, inst_template")
    if len(set(PLACES.findall(entry[2]))) != len(values) or not all(
        isinstance(value, str) for value in values
    ):
        raise Refusal(1001, "Parameter error: params")
    filled = entry[2]
    for number, value in enumerate(values):
        filled = filled.replace(f"{{{number}}}", value)
    return entry, filled, command.get("is_cover") in (True, "true")


@method("jimi.open.instruction.send", "imei", "inst_param_json")
def instruction_send(sim: TracksolidSimulator, params: Params) -> Reply:
    """8.2: waits for the device; what may wait is kept for one that is offline."""
    device = sim.device(params["imei"])
    entry, text, covers = _filled(device, params["inst_param_json"])
    sent = Sent(str(entry[0]), text, sim.now, sim.account)
    if not device.online:
        if not entry[3]:
            raise _failure(228)
        waiting = [s for s in device.sent if s.state == "3" and s.offline]
        if waiting and not covers:
            raise Refusal(1003, "Repeat operation")
        for old in waiting:
            old.state = "4"
        sent.offline = True
        device.sent.append(sent)
        return Reply(message="command is successfully sent.")
    device.sent.append(sent)
    if (failure := FAILURES.get(device.behaviour)) is not None:
        sent.state = "0"
        raise _failure(failure)
    if device.behaviour in {"late", "silent"}:
        if device.behaviour == "late":
            sent.result_after = sim.now + device.late_by
        raise _failure(225)
    _carry_out(sim, device, sent)
    answered = None if device.behaviour == "empty" else sent.content
    return Reply(answered, message="command is successfully sent.")


def _carry_out(sim: TracksolidSimulator, device: Device, sent: Sent) -> None:
    before = device.relay
    sent.content = device.command_answer(sent.text)
    sent.state = "1"
    if device.relay != before:
        code, name = (
            ("138", "Immobilizer on") if device.relay else ("139", "Immobilizer off")
        )
        device.alarms.append(device.alarm(code, name, sim.now))


def deliver(sim: TracksolidSimulator, device: Device) -> None:
    """Bring a device online, which takes what has waited for it."""
    device.online = True
    for sent in device.sent:
        if sent.state == "3" and sent.offline:
            _carry_out(sim, device, sent)


@method("jimi.open.instruction.result", "imei")
def instruction_result(sim: TracksolidSimulator, params: Params) -> Reply:
    """8.3: isExecute is 0 failed, 1 done, 3 waiting, 4 cancelled."""
    device = sim.device(params["imei"])
    for sent in device.sent:
        if sent.result_after is not None and sent.result_after <= sim.now:
            sent.result_after = None
            _carry_out(sim, device, sent)
    return Reply(
        [
            {
                "codeId": sent.entry_id,
                "code": sent.text,
                "content": sent.content,
                "isExecute": sent.state == "1" if sim.boolean_states else sent.state,
                "sendTime": stamp(sent.sent),
                "sender": sent.sender,
                "receiveDevice": device.imei,
                "isOffLine": "1" if sent.offline else "0",
                "idsource": "User-defined command",
            }
            for sent in device.sent
        ]
    )


@method("jimi.open.instruction.raw.send", "imei", "raw_cmd")
def instruction_raw(sim: TracksolidSimulator, params: Params) -> Reply:
    """8.4: hex; the device's answer, if any, is pushed."""
    device = sim.device(params["imei"])
    if not HEX.fullmatch(params["raw_cmd"]):
        raise Refusal(1001, "Parameter error: raw_cmd")
    if not device.online:
        raise _failure(228)
    device.sent.append(
        Sent("raw", params["raw_cmd"].upper(), sim.now, sim.account, "1")
    )
    return Reply(message="command is successfully sent.")
