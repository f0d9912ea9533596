"""Write the files that follow from the table of triggers and conditions.

See script/write-automations. A test holds the written files to what is made here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
import json
from pathlib import Path
from typing import Any

from homeassistant.util.yaml import dump

from custom_components.fleet_tracker.automations.table import (
    ACTIVITIES,
    ACTIVITY,
    CONDITIONS,
    OFFLINE,
    TRIGGERS,
    Basis,
    ChangeTrigger,
    OccurrenceTrigger,
    StateCondition,
    StateTrigger,
    ThresholdTrigger,
    TriggerRow,
)
from custom_components.fleet_tracker.const import DOMAIN

ROOT = Path(__file__).parent.parent
INTEGRATION = ROOT / "custom_components" / DOMAIN
PAGES = ROOT / "docs" / "automations"
HEAD = "# Written by script/write-automations.\n"

type Block = dict[str, Any]


def _for() -> Block:
    return {"required": True, "default": "00:00:00", "selector": {"duration": {}}}


def _behavior(mode: str, default: str) -> Block:
    return {
        "required": True,
        "default": default,
        "selector": {"automation_behavior": {"mode": mode}},
    }


def _choice(key: str, choices: Iterable[str]) -> Block:
    return {
        "select": {
            "translation_key": key,
            "multiple": True,
            "options": [str(one) for one in choices],
        }
    }


def _target(basis: Basis) -> Block:
    """Return which entities the editor takes for this: ours, of one platform and class."""
    entity: Block = {"integration": DOMAIN, "domain": basis.platform.value}
    if basis.device_class is not None:
        entity["device_class"] = basis.device_class
    return {"entity": [entity]}


def _trigger_fields(row: TriggerRow) -> Block:
    match row:
        case StateTrigger():
            return {"behavior": _behavior("trigger", "each"), "for": _for()}
        case ChangeTrigger():
            return {
                "activity": {
                    "required": True,
                    "selector": _choice("activity", row.choices),
                },
                "behavior": _behavior("trigger", "each"),
                "for": _for(),
            }
        case ThresholdTrigger():
            return {
                "behavior": _behavior("trigger", "each"),
                "for": _for(),
                "threshold": {
                    "required": True,
                    "selector": {
                        "numeric_threshold": {
                            "entity": [
                                {
                                    "domain": "input_number",
                                    "unit_of_measurement": list(row.units),
                                },
                                {"domain": "number", "device_class": "speed"},
                                {"domain": "sensor", "device_class": "speed"},
                            ],
                            "mode": "crossed",
                            "number": {"min": 0, "max": 300, "mode": "box"},
                            "unit_of_measurement": list(row.units),
                        }
                    },
                },
            }
        case OccurrenceTrigger() if row.choices:
            return {"alarm_type": {"selector": _choice("alarm_type", row.choices)}}
    return {}


def _condition_fields(_: StateCondition) -> Block:
    return {"behavior": _behavior("condition", "any"), "for": _for()}


def _dumped(blocks: Mapping[str, Block]) -> str:
    return HEAD + dump(dict(blocks))


def triggers_yaml() -> str:
    """Return triggers.yaml."""
    blocks: dict[str, Block] = {}
    for key, row in TRIGGERS.items():
        blocks[key] = {"target": _target(row.basis)}
        if fields := _trigger_fields(row):
            blocks[key]["fields"] = fields
    return _dumped(blocks)


def conditions_yaml() -> str:
    """Return conditions.yaml."""
    return _dumped(
        {
            key: {"target": _target(row.basis), "fields": _condition_fields(row)}
            for key, row in CONDITIONS.items()
        }
    )


def _example(section: str, key: str, row: TriggerRow | StateCondition) -> str:
    options: Block = {}
    match row:
        case OccurrenceTrigger() if row.choices:
            options = {"alarm_type": ["sos", "power_disconnected"]}
        case ThresholdTrigger():
            value = {"number": 130, "unit_of_measurement": row.units[0]}
            options = {"threshold": {"type": "above", "value": value}}
        case ChangeTrigger():
            options = {"activity": ["parked"], "for": "00:30:00"}
        case StateTrigger() if row.offline_counts:
            options = {"for": "00:10:00"}
    block: Block = {
        section: f"{DOMAIN}.{key}",
        "target": {"device_id": "0123456789abcdef0123456789abcdef"},
    }
    if options:
        block["options"] = options
    return dump({f"{section}s": [block]})


def _of_offline(row: TriggerRow | StateCondition) -> Iterator[str]:
    """Yield what the page says of an offline vehicle, where that is not plain."""
    kept = (
        "While a vehicle is offline it counts as doing what it did last: one that drives into "
        "a tunnel and out of it did neither stop nor start."
    )
    match row:
        case StateTrigger() if row.basis is ACTIVITY and not row.offline_counts:
            yield from ("", kept)
        case ChangeTrigger():
            yield from ("", f"{kept} Not so where *Offline* is chosen too.")
        case StateCondition() if row.states < ACTIVITIES - OFFLINE:
            yield from ("", "It is not true of a vehicle that is offline.")


def _page(section: str, key: str, row: TriggerRow | StateCondition) -> str:
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_text())
    words = texts[f"{section}s"][key]
    entities = texts["entity"][row.basis.platform]
    shown = entities[row.basis.key].get("name", row.basis.key.capitalize())
    lines = [
        f"# {words['name']}",
        "",
        (
            f"{words['description']} It rests on the entity *{shown}* of a vehicle, which "
            "must be enabled. Needs Home Assistant 2026.5 or newer."
        ),
        "",
        "## In the editor",
        "",
        (
            "Open the vehicle's page → *Related* → *Add to…* → *Create as a new "
            f"{section}* → *Fleet Tracker* → *{words['name']}*. Or begin with the "
            f"automation: *Add {section}* → *Fleet Tracker*, then choose vehicles, areas or "
            "labels."
        ),
        "",
    ]
    if fields := words.get("fields"):
        lines += ["## Options", "", "| option | meaning |", "|---|---|"]
        lines += [
            f"| {one['name']} (`{name}`) | {one['description']} |"
            for name, one in fields.items()
        ]
        lines.append("")
    lines += ["## In YAML", "", "```yaml", _example(section, key, row).rstrip(), "```"]
    lines += [
        "",
        (
            "A change from or to *unavailable* or *unknown* counts as none, so that a "
            "restart, a reload or an outage of the vendor causes nothing."
        ),
        *_of_offline(row),
        "",
    ]
    return "\n".join(lines)


def files() -> Iterator[tuple[Path, str]]:
    """Return each file that is written, and its text."""
    yield INTEGRATION / "triggers.yaml", triggers_yaml()
    yield INTEGRATION / "conditions.yaml", conditions_yaml()
    for key, row in TRIGGERS.items():
        yield PAGES / "triggers" / f"{key}.md", _page("trigger", key, row)
    for key, condition in CONDITIONS.items():
        yield PAGES / "conditions" / f"{key}.md", _page("condition", key, condition)


if __name__ == "__main__":
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
