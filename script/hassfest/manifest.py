"""The manifest, and what the code imports without having declared it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
import re

import homeassistant.components
from homeassistant.const import Platform

from .integration import Integration

REQUIRED = {
    "domain",
    "name",
    "codeowners",
    "documentation",
    "iot_class",
    "issue_tracker",
    "version",
}
OPTIONAL = {
    "after_dependencies",
    "config_flow",
    "dependencies",
    "integration_type",
    "loggers",
    "quality_scale",
    "requirements",
    "single_config_entry",
    "zeroconf",
}
IOT_CLASSES = {
    "assumed_state",
    "calculated",
    "cloud_polling",
    "cloud_push",
    "local_polling",
    "local_push",
}
INTEGRATION_TYPES = {"device", "entity", "hardware", "helper", "hub", "service"}

# Components that are always there, or that may be imported from without being set up.
ALWAYS_THERE = {platform.value for platform in Platform} | {
    "automation",
    "device_automation",
    "diagnostics",
    "homeassistant",
    "person",
    "persistent_notification",
    "repairs",
    "script",
    "stream",
    "system_health",
    "webhook",
    "websocket_api",
    "zone",
}


def check_manifest(integration: Integration) -> None:
    """Note what is wrong with the manifest."""
    for problem in _problems(integration):
        integration.complain("manifest.json", problem)


def _problems(integration: Integration) -> Iterator[str]:
    manifest = integration.manifest
    keys = list(manifest)
    for key in sorted(REQUIRED - set(keys)):
        yield f"{key} is missing"
    for key in sorted(set(keys) - REQUIRED - OPTIONAL):
        yield f"{key} is not a known key"
    if keys != ["domain", "name", *sorted(set(keys) - {"domain", "name"})]:
        yield "domain and name come first, then the keys in alphabetical order"
    if manifest.get("domain") != integration.domain:
        yield "the domain is not the folder's name"
    if manifest.get("iot_class") not in IOT_CLASSES:
        yield "iot_class is not a known one"
    if manifest.get("integration_type") not in INTEGRATION_TYPES:
        yield "integration_type is not a known one"
    if not re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+)?", manifest.get("version", "")):
        yield "version is not like 1.2.3"
    for key in ("documentation", "issue_tracker"):
        if not manifest.get(key, "").startswith("https://"):
            yield f"{key} is not an https address"
    for owner in manifest.get("codeowners", []):
        if not owner.startswith("@"):
            yield f"code owner {owner} does not start with @"
    for requirement in manifest.get("requirements", []):
        if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.]+", requirement):
            yield f"requirement {requirement} is not pinned"
    components = Path(homeassistant.components.__file__ or "").parent
    declared = [
        *manifest.get("dependencies", []),
        *manifest.get("after_dependencies", []),
    ]
    for component in declared:
        if not (components / component).is_dir():
            yield f"there is no component {component}"
    if manifest.get("config_flow") != ("config_flow.py" in integration.sources):
        yield "config_flow does not tell whether there is a config_flow.py"
    for module, tree in integration.sources.items():
        for component in sorted(_imported_components(tree)):
            # a platform for a component is only loaded when that component is
            is_platform_of_it = module == f"{component}.py"
            if component not in {*declared, *ALWAYS_THERE} and not is_platform_of_it:
                yield f"{module} imports from {component}, which is no dependency"


def _imported_components(tree: ast.Module) -> set[str]:
    """Return the components that a module imports from."""
    prefix = "homeassistant.components"
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return {name.split(".")[2] for name in names if name.startswith(f"{prefix}.")}
