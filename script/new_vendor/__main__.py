"""Write the skeleton of a further vendor."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
import json
from pathlib import Path
import re
from string import Template

ROOT = Path(__file__).parents[2]
TEMPLATES = Path(__file__).parent / "templates"
INTEGRATION = Path("custom_components") / "fleet_tracker"

_END_OF_REGISTRY = """\
        )
    }
)
"""
_FORM = {
    "data": {"account": "Account", "password": "Password", "server": "Server"},
    "data_description": {
        "account": "The name you log in with.",
        "password": "It is kept by Home Assistant, and sent to the server alone.",
        "server": "The address of the server.",
    },
}
_LEFT_TO_DO = """\
The vendor's first stage is there: {package}
Run it: script/test tests/contract -m first_stage -k {key}

What is left, in this order:
1. client.py: the vendor's protocol, by its document, and a simulator in tests/simulators/.
2. mapping.py: all that the vendor tells. Readings of its own go to model/readings.py.
3. connection.py: what is asked when, and the commands.
4. entities.py: what the common entities do not show, with texts and icons.json.
5. tests/vendors/{key}/contract.py: a vehicle that has everything; then the whole contract test.
6. docs/vendors/{key}.md, and the table of its form in the README.
7. Actions of its own: registry, services.yaml, icons.json. A library: manifest.json.
"""


def main(arguments: list[str] | None = None, root: Path = ROOT) -> None:
    """Write the skeleton into a copy of the project."""
    parser = argparse.ArgumentParser(prog="script/new-vendor", description=__doc__)
    parser.add_argument("key", help="what the code calls it: my_vendor")
    parser.add_argument("name", nargs="?", help='what users read: "My Vendor"')
    given = parser.parse_args(arguments)
    key: str = given.key
    if not re.fullmatch(r"[a-z][a-z0-9_]*", key):
        parser.error("the key has small letters, digits and underscores")
    words = key.split("_")
    name: str = given.name or " ".join(word.capitalize() for word in words)
    package = root / INTEGRATION / "vendors" / key
    if package.exists():
        parser.error(f"{package} exists already")
    fields = {
        "key": key,
        "name": name,
        "kind": "".join(word.capitalize() for word in words),
    }
    _write(TEMPLATES / "package", package, fields)
    _write(TEMPLATES / "tests", root / "tests" / "vendors" / key, fields)
    _write(TEMPLATES / "docs", root / "docs" / "vendors", fields)
    _register(root / INTEGRATION / "vendors" / "__init__.py", key, name)
    _add_texts(root / INTEGRATION / "translations" / "en.json", key, name)
    print(_LEFT_TO_DO.format(key=key, package=package.relative_to(root)))


def _write(templates: Path, folder: Path, fields: Mapping[str, str]) -> None:
    """Write each template of a folder into another one, named after the vendor if it must be."""
    folder.mkdir(parents=True, exist_ok=True)
    for template in sorted(templates.glob("*.txt")):
        text = Template(template.read_text("utf-8")).substitute(fields)
        name = Template(template.stem).substitute(fields)
        (folder / name).write_text(text, "utf-8")


def _register(registry: Path, key: str, name: str) -> None:
    """Add a vendor to the registry, behind the others."""
    text = registry.read_text("utf-8")
    if text.count(_END_OF_REGISTRY) != 1:
        raise SystemExit(f"{registry} looks otherwise: add the vendor by hand")
    entry = f'            VendorSummary(key="{key}", name={json.dumps(name)}),\n'
    registry.write_text(
        text.replace(_END_OF_REGISTRY, entry + _END_OF_REGISTRY), "utf-8"
    )


def _add_texts(path: Path, key: str, name: str) -> None:
    """Add the texts of the menu and of the form."""
    texts = json.loads(path.read_text("utf-8"))
    steps = texts["config"]["step"]
    steps["user"]["menu_options"][key] = name
    steps[key] = {
        **_FORM,
        "description": f"Enter your account at {name}.",
        "title": f"{name} account",
    }
    content = json.dumps(texts, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(content + "\n", "utf-8")


if __name__ == "__main__":
    main()
