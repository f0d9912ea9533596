"""The imports between rooms and vendors: a vendor can be read by itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
import re

import pytest

import custom_components.fleet_tracker
from custom_components.fleet_tracker.vendors import VENDORS
import tests
from tests.common import vendor_records

PACKAGE = "custom_components.fleet_tracker"
ROOT = Path(custom_components.fleet_tracker.__file__).parent
TESTS = Path(tests.__file__).parent
PACKAGES = sorted(path.parent.name for path in ROOT.glob("vendors/*/__init__.py"))

# What a room may import of the integration beside itself. Nothing but the root, which Home
# Assistant loads by name, and the doors for pushes may know the registry of vendors.
ROOMS: Mapping[str, frozenset[str]] = {
    "model": frozenset(),
    "contract": frozenset({"model"}),
    "transport": frozenset({"contract", "model"}),
    "offer": frozenset({"const", "contract", "model"}),
    "account": frozenset({"const", "contract", "model", "offer", "transport"}),
    "automations": frozenset({"const", "model"}),
    "actions": frozenset({"account", "const", "contract", "model", "offer"}),
    "cameras": frozenset(
        {"account", "const", "contract", "model", "offer", "transport"}
    ),
    "dashboard": frozenset({"account", "const", "contract", "model", "offer"}),
    "pushes": frozenset({"account", "const", "contract", "model", "offer", "vendors"}),
}
GIVEN_UP = {
    "async_get_device": "found for several accounts; Home Assistant 2026.11 warns of it"
}
"""Methods of Home Assistant that the integration may not call, and why."""
PURE_ROOMS = ("model", "contract", "transport")
A_VENDOR_MAY_IMPORT = frozenset({"const", "contract", "model", "offer", "transport"})
# All else of a vendor reads and tests as a library.
KNOW_HOME_ASSISTANT = {"__init__.py", "entities.py", "flow.py", "services.py"}
EVERY_VENDOR_HAS = {
    "__init__.py",
    "commands.py",
    "connection.py",
    "entities.py",
    "flow.py",
    "mapping.py",
}


@cache
def modules() -> list[Path]:
    """Return all modules of the integration."""
    return sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    """Return how a module is called from the integration's root."""
    return str(path.relative_to(ROOT))


@cache
def imports(path: Path, *, with_types: bool = False) -> frozenset[str]:
    """Return the full names of what a module imports, if asked for the types too."""
    return frozenset(_imports(path, ast.parse(path.read_text()), with_types))


def _imports(path: Path, node: ast.AST, with_types: bool) -> Iterator[str]:
    if (
        isinstance(node, ast.If)
        and ast.unparse(node.test) == "TYPE_CHECKING"
        and not with_types
    ):
        for other in node.orelse:
            yield from _imports(path, other, with_types)
        return
    if isinstance(node, ast.Import):
        yield from (one.name for one in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            package = path.relative_to(ROOT.parent.parent).parts[: -node.level]
            module = ".".join(filter(None, (*package, module)))
        yield from (f"{module}.{one.name}" for one in node.names)
    for child in ast.iter_child_nodes(node):
        yield from _imports(path, child, with_types)


@cache
def own_modules(path: Path, *, with_types: bool = False) -> frozenset[Path]:
    """Return the modules of the integration that a module imports."""
    found = set()
    for name in imports(path, with_types=with_types):
        parts = name.split(".")
        if ".".join(parts[:2]) != PACKAGE:
            continue
        # A name may be a module, or something in one.
        for end in (len(parts), len(parts) - 1):
            base = ROOT.joinpath(*parts[2:end])
            if base.with_suffix(".py").is_file() and base != ROOT:
                found.add(base.with_suffix(".py"))
                break
            if (base / "__init__.py").is_file():
                found.add(base / "__init__.py")
                break
    return frozenset(found - {path})


def room_of(path: Path) -> str:
    """Return the room of a module; that of one at the root is its own name."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def pure_modules() -> list[Path]:
    """Return the modules that must work without Home Assistant."""
    return [
        path
        for path in modules()
        if room_of(path) in PURE_ROOMS
        or (
            path.relative_to(ROOT).parts[0] == "vendors"
            and len(path.relative_to(ROOT).parts) > 2
            and path.relative_to(ROOT).parts[2] not in {*KNOW_HOME_ASSISTANT, "actions"}
        )
    ]


@pytest.mark.parametrize("path", pure_modules(), ids=name_of)
def test_pure_modules_know_no_home_assistant(path: Path) -> None:
    """Not by themselves, and not through a module that they import."""
    assert not [name for name in imports(path) if name.startswith("homeassistant")]
    assert not own_modules(path) - set(pure_modules())


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_allowed_rooms(room: str) -> None:
    """Their types too."""
    found = {
        (name_of(path), room_of(one))
        for path in ROOT.glob(f"{room}/**/*.py")
        for one in own_modules(path, with_types=True)
    }
    assert not {pair for pair in found if pair[1] not in ROOMS[room] | {room}}


def test_every_folder_is_a_room() -> None:
    """Each says in its docstring what its modules may touch."""
    folders = {path.parent for path in modules()} - {ROOT}
    for folder in folders:
        assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    assert {room_of(folder) for folder in folders} == {*ROOMS, "vendors"}


def test_no_module_imports_itself_through_others() -> None:
    """Not even for types: a reader of one need not have read the other before."""
    graph = {path: own_modules(path, with_types=True) for path in modules()}
    done: set[Path] = set()

    def follow(path: Path, way: tuple[Path, ...]) -> None:
        assert path not in way, " -> ".join(map(name_of, (*way, path)))
        if path in done:
            return
        for other in sorted(graph[path]):
            follow(other, (*way, path))
        done.add(path)

    for path in modules():
        follow(path, ())


@pytest.mark.parametrize("vendor", PACKAGES)
def test_vendors_import_only_allowed_rooms(vendor: str) -> None:
    """The contract and what serves it, never an account, a platform or the door."""
    for path in ROOT.glob(f"vendors/{vendor}/**/*.py"):
        for one in own_modules(path, with_types=True):
            room = room_of(one)
            assert room in A_VENDOR_MAY_IMPORT or room == "vendors", name_of(path)


@pytest.mark.parametrize("vendor", PACKAGES)
def test_no_vendor_imports_another(vendor: str) -> None:
    """Nor the registry, which knows them all."""
    own = f"{PACKAGE}.vendors.{vendor}"
    for path in ROOT.glob(f"vendors/{vendor}/**/*.py"):
        others = {
            name
            for name in imports(path)
            if name.startswith(f"{PACKAGE}.vendors")
            and name != own
            and not name.startswith(f"{own}.")
        }
        assert not others, name_of(path)


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.py")), ids=name_of)
def test_root_modules_name_no_vendor(path: Path) -> None:
    """They know the registry, and that is all."""
    vendors = {name for name in imports(path) if name.startswith(f"{PACKAGE}.vendors")}
    assert vendors <= {
        f"{PACKAGE}.vendors.VENDORS",
        f"{PACKAGE}.vendors.async_load_vendor",
    }
    names = PACKAGES + [vendor.name for vendor in VENDORS.values()]
    pattern = "|".join(re.escape(name).replace("_", "[ _-]?") for name in names)
    found = re.findall(rf"\b(?:{pattern})\b", path.read_text(), re.IGNORECASE)
    assert not found


def test_registry_is_the_only_place_that_names_all_vendors() -> None:
    """Each is there under the name of its package, which is the key of its entries."""
    finished = [
        vendor
        for vendor in PACKAGES
        if re.search(
            r"^VENDOR\b",
            (ROOT / "vendors" / vendor / "__init__.py").read_text(),
            re.MULTILINE,
        )
    ]
    assert sorted(VENDORS) == finished
    assert all(vendor.key == key for key, vendor in VENDORS.items())
    registry = ROOT / "vendors" / "__init__.py"
    assert not {one for one in own_modules(registry) if room_of(one) == "vendors"}


@pytest.mark.parametrize("vendor", sorted(VENDORS))
def test_vendors_have_the_same_files(vendor: str) -> None:
    """A reader of one vendor finds the way in all of them."""
    files = {path.name for path in (ROOT / "vendors" / vendor).glob("*.py")}
    assert files >= EVERY_VENDOR_HAS
    assert (
        files & {"client.py", "server.py"}
        or (ROOT / "vendors" / vendor / "api" / "client.py").is_file()
    )
    pushes = ROOT / "vendors" / vendor / "pushes"
    assert not vendor_records()[vendor].pushes or "push.py" in files or pushes.is_dir()
    assert not VENDORS[vendor].actions or "services.py" in files
    assert (TESTS / "vendors" / vendor / "__init__.py").is_file()
    simulator = TESTS / "simulators" / vendor
    assert simulator.is_dir() or simulator.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", sorted(TESTS.glob("simulators/**/*.py")))
def test_simulators_are_written_from_the_documents(path: Path) -> None:
    """Not from the code that they test."""
    tree = ast.parse(path.read_text())
    found = [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and "fleet_tracker" in (node.module or ""))
        or (
            isinstance(node, ast.Import)
            and any("fleet_tracker" in one.name for one in node.names)
        )
    ]
    assert not found


def test_nothing_is_called_that_home_assistant_gives_up() -> None:
    """The newest Home Assistant, which not all tests run with, would warn of it."""
    called = [
        f"{name_of(path)}: {node.func.attr}"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in GIVEN_UP
    ]
    assert called == []
