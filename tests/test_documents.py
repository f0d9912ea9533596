"""What is written in several places is the same everywhere."""

import json
from pathlib import Path
import re
from typing import Any

from homeassistant.util.yaml import load_yaml, parse_yaml
import pytest

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "script" / "demo_support" / "configuration"


def test_examples_run_in_the_demo() -> None:
    """Every example of the README is part of the demo's configuration."""
    automations: Any = load_yaml(str(DEMO / "automations.yaml"))
    in_demo = [load_yaml(str(DEMO / "dashboard.yaml"))]
    for automation in automations:
        del automation["id"]
        in_demo.append(automation)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert len(examples) >= 4
    for example in examples:
        assert parse_yaml(example) in in_demo


@pytest.mark.parametrize("name", ["requirements_test.txt", "requirements_demo.txt"])
def test_requirements_of_the_manifest(name: str) -> None:
    """The environments have what Home Assistant would install for the integration."""
    manifest = json.loads(
        (ROOT / "custom_components/fleet_tracker/manifest.json").read_text()
    )
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert set(manifest["requirements"]) <= set(lines)
