"""The translation keys that the source code names."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

FLOW_SECTIONS = {
    "ConfigFlow": "config",
    "OptionsFlow": "options",
    "ConfigSubentryFlow": "subentry",
}

# Methods of Home Assistant's flows that end one with a reason of their own.
_BUILT_IN_REASONS = {
    "_abort_if_unique_id_configured": "already_configured",
    "async_set_unique_id": "already_in_progress",
    "async_update_and_abort": "reconfigure_successful",
}


@dataclass
class NamedKeys:
    """Keys by the section of the texts that they belong to.

    `errors` says which exceptions of the vendors a key is raised with, and in which file;
    `steps` and `reasons` are by kind of flow (the values of FLOW_SECTIONS); `constants`
    are all texts in the code, which a key may have come from in a way not seen here.
    """

    errors: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    common: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    issues: set[str] = field(default_factory=set)
    devices: set[str] = field(default_factory=set)
    steps: dict[str, set[str]] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)


def find_keys(sources: Mapping[str, ast.Module], errors: set[str]) -> NamedKeys:
    """Return the keys that the code names.

    `errors` are the names of the exceptions that take a translation key as `key`.
    """
    found = NamedKeys()
    nodes = [(file, node) for file, tree in sources.items() for node in ast.walk(tree)]
    forwarders = _find_forwarders([node for _, node in nodes])
    for file, node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.constants.add(node.value)
        elif isinstance(node, ast.Call):
            for section, key in _keys_of_call(node, forwarders):
                section.add_to(found, key)
            if (error := _callee(node)) in errors:
                for key in _texts(_keyword(node, "key")):
                    found.errors.setdefault(key, set()).add((error, file))
        elif isinstance(node, ast.Tuple) and len(node.elts) >= 2:
            # a row of a table: an exception, and the key it is raised with
            first, second = node.elts[:2]
            if isinstance(first, ast.Name) and first.id in errors:
                for key in _texts(second):
                    found.errors.setdefault(key, set()).add((first.id, file))
        elif isinstance(node, ast.ClassDef):
            _find_flow_keys(node, found)
    return found


@dataclass(frozen=True)
class _Section:
    name: str

    def add_to(self, found: NamedKeys, key: str) -> None:
        getattr(found, self.name).add(key)


_COMMON = _Section("common")
_EXCEPTIONS = _Section("exceptions")
_ISSUES = _Section("issues")
_DEVICES = _Section("devices")
# Functions whose second argument is a key.
_BY_SECOND_ARGUMENT = {
    "async_get_exception_message": _EXCEPTIONS,
    "common_text": _COMMON,
}


@dataclass(frozen=True)
class _Forwarder:
    """A function that passes one of its parameters on as a translation key."""

    position: int
    parameter: str
    section: _Section


def _find_forwarders(nodes: list[ast.AST]) -> dict[str, _Forwarder]:
    found: dict[str, _Forwarder] = {}
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        parameters = [one.arg for one in chain(node.args.posonlyargs, node.args.args)]
        if parameters[:1] in (["self"], ["cls"]):
            del parameters[0]
        for call in ast.walk(node):
            section = _section(call) if isinstance(call, ast.Call) else None
            if not section or not isinstance(call, ast.Call):
                continue
            for name in _names(_key_argument(call)):
                if name in parameters:
                    found[node.name] = _Forwarder(parameters.index(name), name, section)
    return found


def _keys_of_call(
    call: ast.Call, forwarders: Mapping[str, _Forwarder]
) -> Iterator[tuple[_Section, str]]:
    """Yield the keys that a call names, with the section they belong to."""
    callee = _callee(call)
    if section := _section(call):
        yield from ((section, key) for key in _texts(_key_argument(call)))
    if callee == "CommandResult":
        yield from ((_EXCEPTIONS, key) for key in _texts(_keyword(call, "warning")))
    if forwarder := forwarders.get(callee):
        if len(call.args) > forwarder.position:
            value: ast.expr | None = call.args[forwarder.position]
        else:
            value = _keyword(call, forwarder.parameter)
        yield from ((forwarder.section, key) for key in _texts(value))


def _section(call: ast.Call) -> _Section | None:
    """Return which section a call's translation key belongs to, if it has one."""
    callee = _callee(call)
    if callee in _BY_SECOND_ARGUMENT:
        return _BY_SECOND_ARGUMENT[callee]
    if all(one.arg != "translation_key" for one in call.keywords):
        return None
    if callee == "async_create_issue":
        return _ISSUES
    if callee == "DeviceInfo":
        return _DEVICES
    if any(one.arg == "translation_domain" for one in call.keywords):
        return _EXCEPTIONS
    return None


def _key_argument(call: ast.Call) -> ast.expr | None:
    if _callee(call) in _BY_SECOND_ARGUMENT:
        return call.args[1] if len(call.args) > 1 else None
    return _keyword(call, "translation_key")


def _callee(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _texts(value: ast.expr | None) -> Iterator[str]:
    """Yield the texts that an expression may be."""
    match value:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=body, orelse=other):
            yield from _texts(body)
            yield from _texts(other)
        case ast.BoolOp(values=values):
            for one in values:
                yield from _texts(one)


def _names(value: ast.expr | None) -> Iterator[str]:
    if value is not None:
        for node in ast.walk(value):
            if isinstance(node, ast.Name):
                yield node.id


def _find_flow_keys(flow: ast.ClassDef, found: NamedKeys) -> None:
    """Find the steps of a flow, and the reasons it can be aborted for."""
    bases = [base.id for base in flow.bases if isinstance(base, ast.Name)]
    kinds = [FLOW_SECTIONS[base] for base in bases if base in FLOW_SECTIONS]
    if not kinds:
        return
    steps = found.steps.setdefault(kinds[0], set())
    reasons = found.reasons.setdefault(kinds[0], set())
    calls = [node for node in ast.walk(flow) if isinstance(node, ast.Call)]
    reason_parameters = {
        function.name: names.index(value.id)
        for function in ast.walk(flow)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for names in [[one.arg for one in function.args.args[1:]]]
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _callee(call) == "async_abort"
        for value in [_keyword(call, "reason")]
        if isinstance(value, ast.Name) and value.id in names
    }
    for call in calls:
        callee = _callee(call)
        if callee in ("async_show_form", "async_show_menu"):
            steps.update(_texts(_keyword(call, "step_id")))
        elif callee == "async_abort":
            reasons.update(_texts(_keyword(call, "reason")))
        elif callee in _BUILT_IN_REASONS:
            reasons.add(_BUILT_IN_REASONS[callee])
        elif callee in reason_parameters:
            reasons.update(
                chain.from_iterable(map(_texts, call.args[reason_parameters[callee] :]))
            )


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)
