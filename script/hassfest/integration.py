"""The integration's files, and the list of what is wrong with them."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import cached_property
import json
from pathlib import Path
from typing import Any

from homeassistant.exceptions import HomeAssistantError
from homeassistant.util.yaml import load_yaml_dict

ENGLISH = "translations/en.json"


class Integration:
    """The folder of a custom integration."""

    def __init__(self, folder: Path) -> None:
        """Initialize with the folder, which has the name of the domain."""
        self.folder = folder
        self.problems: list[str] = []

    @property
    def domain(self) -> str:
        """The domain."""
        return self.folder.name

    @property
    def package(self) -> str:
        """The name of the Python package."""
        return f"custom_components.{self.domain}"

    def complain(self, where: str, what: str) -> None:
        """Note something that is wrong."""
        self.problems.append(f"{where}: {what}")

    def read_json(self, name: str) -> dict[str, Any]:
        """Return an object from a file; an empty one, noted, where there is none."""
        try:
            content = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            self.complain(name, "is missing")
        except ValueError as err:
            self.complain(name, f"is not JSON: {err}")
        else:
            if isinstance(content, dict):
                return content
            self.complain(name, "is not an object")
        return {}

    def read_yaml(self, name: str) -> dict[str, Any]:
        """Return a mapping from a file; an empty one where there is none."""
        path = self.folder / name
        if not path.exists():
            return {}
        try:
            return load_yaml_dict(str(path))
        except HomeAssistantError as err:
            self.complain(name, str(err))
            return {}

    @cached_property
    def sources(self) -> Mapping[str, ast.Module]:
        """The parsed modules by their path below the folder."""
        return {
            str(path.relative_to(self.folder)): ast.parse(
                path.read_text(encoding="utf-8")
            )
            for path in sorted(self.folder.rglob("*.py"))
        }

    @cached_property
    def browser_modules(self) -> Mapping[str, str]:
        """The texts of the modules that run in the browser, by their names."""
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted(self.folder.glob("dashboard/www/*.js"))
        }

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest."""
        return self.read_json("manifest.json")

    @cached_property
    def strings(self) -> dict[str, Any]:
        """The English texts."""
        return self.read_json(ENGLISH)

    @cached_property
    def icons(self) -> dict[str, Any]:
        """The icons."""
        return self.read_json("icons.json")

    @cached_property
    def services(self) -> dict[str, Any]:
        """The descriptions of the actions."""
        return self.read_yaml("services.yaml")
