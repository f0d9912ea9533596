"""The words of readings, capabilities and commands stand in the vocabularies, once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from enum import StrEnum
from importlib import import_module
from pathlib import Path

import pytest

from custom_components.fleet_tracker.model.vehicle import Capability, Reading
from custom_components.fleet_tracker.vendors import VENDORS

ROOT = Path(__file__).parents[1] / "custom_components" / "fleet_tracker"
VOCABULARIES = {
    ROOT / "model" / "vehicle.py",
    ROOT / "model" / "readings.py",
    *(ROOT / "vendors" / vendor / "vocabulary.py" for vendor in VENDORS),
}
OF_DESCRIPTIONS = {
    "capability",
    "command",
    "key",
    "lock_command",
    "off_command",
    "on_command",
    "unlock_command",
}
HOLDERS = {"capabilities", "readings", "shown_readings"}


def words(vendor: str, kind: str) -> type[StrEnum]:
    """Return a vendor's own words of a kind."""
    module = import_module(
        f"custom_components.fleet_tracker.vendors.{vendor}.vocabulary"
    )
    (found,) = (
        one
        for name, one in vars(module).items()
        if name.endswith(kind) and name != kind and isinstance(one, type)
    )
    assert issubclass(found, StrEnum)
    return found


def _texts(node: ast.AST) -> Iterator[ast.Constant]:
    """Yield what is a text, or begins with one."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _bare_words(tree: ast.AST) -> Iterator[ast.Constant]:
    """Yield the texts that stand in the place of a reading, capability or command."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg in OF_DESCRIPTIONS and "Description" in str(
                    _name(node.func)
                ):
                    yield from _texts(keyword.value)
                if keyword.arg in HOLDERS and isinstance(keyword.value, ast.Dict):
                    for key in keyword.value.keys:
                        if key is not None:
                            yield from _texts(key)
            if _name(node.func) == "Command" and node.args:
                yield from _texts(node.args[0])
            if (
                isinstance(node.func, ast.Attribute)
                and node.func.attr in ("get", "pop", "add", "discard")
                and _name(node.func.value) in HOLDERS
                and node.args
            ):
                yield from _texts(node.args[0])
        elif isinstance(node, ast.Subscript) and _name(node.value) in HOLDERS:
            yield from _texts(node.slice)
        elif isinstance(node, ast.Compare) and any(
            _name(one) in HOLDERS for one in node.comparators
        ):
            yield from _texts(node.left)
        elif isinstance(node, ast.Compare) and _name(node.left) in (
            "capability",
            "reading",
        ):
            for one in node.comparators:
                yield from _texts(one)


def test_bare_words_are_seen() -> None:
    """Wherever one can stand."""
    code = """
FleetSensorDescription(key="a", capability="b")
Command("c", {})
vehicle.readings["d"], readings.get("e"), "f" in vehicle.capabilities
ReadingGroup(readings={"g": 1, f"h:{part}": 2})
reading == "i"
"""
    found = {node.value for node in _bare_words(ast.parse(code))}
    assert found == {*"abcdefgi", "h:"}


@pytest.mark.parametrize(
    "path",
    sorted(set(ROOT.rglob("*.py")) - VOCABULARIES),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_bare_word(path: Path) -> None:
    """Mapping, connection, commands and entities say the same word by its name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert [(one.lineno, one.value) for one in _bare_words(tree)] == []


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("kind", ["Reading", "Capability", "Command"])
def test_every_vendor_has_words_of_its_own(vendor: str, kind: str) -> None:
    """A reading that several vendors share is no vendor's own."""
    own = {one.value for one in words(vendor, kind)}
    assert own
    if kind == "Reading":
        assert own.isdisjoint(Reading)


def test_a_reading_of_two_vendors_is_common() -> None:
    """What two call by one name is one thing, and stands in one place."""
    own = [
        (one.value, vendor) for vendor in VENDORS for one in words(vendor, "Reading")
    ]
    names = [name for name, _ in own]
    # When an account was activated is told by two, and shown by none.
    twice = {name for name in names if names.count(name) > 1}
    assert twice <= {"activated_at"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_capabilities_are_named_alike(vendor: str) -> None:
    """What several vendors can do has one name: a vendor's own is no other word for it."""
    assert {"alarms", "live", "photo", "engine_cut"}.isdisjoint(
        words(vendor, "Capability")
    )
    shared = {one.value for one in words(vendor, "Capability")} & set(Capability)
    assert shared <= {Capability.LOCK, Capability.EVENTS, Capability.KEYLESS}
