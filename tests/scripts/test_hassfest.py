"""Tests of the check that stands in for hassfest."""

import ast
import json
from pathlib import Path
import shutil
from typing import Any

import pytest

from script.hassfest.__main__ import FOLDER
from script.hassfest.code import NamedKeys, find_keys
from script.hassfest.integration import Integration
from script.hassfest.manifest import check_manifest
from script.hassfest.texts import check_texts


@pytest.fixture(name="folder")
def a_correct_folder(tmp_path: Path) -> Path:
    """Return the folder of a small integration without mistakes."""
    folder = tmp_path / "fleet_tracker"
    (folder / "translations").mkdir(parents=True)
    shutil.copy(FOLDER / "manifest.json", folder)
    (folder / "config_flow.py").touch()
    write(folder, strings())
    (folder / "icons.json").write_text("{}")
    return folder


def strings(**changes: Any) -> dict[str, Any]:
    """Return texts, with some sections changed."""
    return {
        "config": {"step": {"user": {"title": "Vendor", "data": {"name": "Name"}}}},
        "exceptions": {"offline": {"message": "{name} is offline."}},
    } | changes


def write(folder: Path, content: dict[str, Any], **others: dict[str, Any]) -> None:
    """Write texts, English and of other languages."""
    for language, texts in {"en": content, **others}.items():
        (folder / "translations" / f"{language}.json").write_text(json.dumps(texts))


def problems(folder: Path) -> list[str]:
    """Return what the checks of texts and manifest complain about."""
    integration = Integration(folder)
    check_manifest(integration)
    check_texts(integration)
    return integration.problems


def test_correct(folder: Path) -> None:
    """Nothing is found where nothing is wrong."""
    assert problems(folder) == []


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("version", "one", "version is not like 1.2.3"),
        ("requirements", ["crcmod"], "requirement crcmod is not pinned"),
        ("dependencies", ["nonsense"], "there is no component nonsense"),
        ("iot_class", "magic", "iot_class is not a known one"),
        ("documentation", "http://x.example", "documentation is not an https address"),
        ("zebra", 1, "zebra is not a known key"),
        ("domain", "other", "the domain is not the folder's name"),
        ("codeowners", ["me"], "code owner me does not start with @"),
    ],
)
def test_manifest(folder: Path, key: str, value: Any, problem: str) -> None:
    """Each mistake in the manifest is found."""
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert problems(folder) == [f"manifest.json: {problem}"]


def test_manifest_order(folder: Path) -> None:
    """The order of the keys counts."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({"version": manifest.pop("version")} | manifest))
    assert [one for one in problems(folder) if "order" in one]


def test_undeclared_component(folder: Path) -> None:
    """A component that is imported has to be a dependency, unless it is always there."""
    (folder / "sensor.py").write_text(
        "from homeassistant.components import mqtt\n"
        "from homeassistant.components.http import HomeAssistantView\n"
        "from homeassistant.components.zone import DOMAIN\n"
        "import homeassistant.components.tag.util\n"
    )
    (folder / "tag.py").write_text("import homeassistant.components.tag\n")
    assert problems(folder) == [
        "manifest.json: sensor.py imports from mqtt, which is no dependency",
        "manifest.json: sensor.py imports from tag, which is no dependency",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" x", "is not a text without spaces around it"),
        ("<b>x</b>", "contains HTML"),
        ("see https://x.example", "contains an address (use a placeholder)"),
        ("the '{name}'", "contains a placeholder in single quotes"),
    ],
)
def test_form_of_a_text(folder: Path, text: str, problem: str) -> None:
    """What Home Assistant refuses in texts is found."""
    write(folder, strings(exceptions={"offline": {"message": text}}))
    assert problems(folder) == [
        f"translations/en.json: exceptions.offline.message: {problem}"
    ]


def test_texts_once(folder: Path) -> None:
    """English texts have one file."""
    (folder / "strings.json").write_text(json.dumps(strings()))
    assert problems(folder) == [
        "strings.json: Home Assistant reads translations/en.json alone"
    ]


def test_no_english(folder: Path) -> None:
    """English has to be there."""
    (folder / "translations" / "en.json").unlink()
    assert "translations/en.json: is missing" in problems(folder)


def test_translations(folder: Path) -> None:
    """Other languages have no keys and no placeholders of their own."""
    other = strings(
        exceptions={"offline": {"message": "{x}"}, "more": {"message": "Mehr"}}
    )
    write(folder, strings(), de=other)
    assert problems(folder) == [
        "translations/de.json: exceptions.offline.message has other placeholders",
        "translations/de.json: exceptions.more.message is not in translations/en.json",
    ]


def keys(source: str) -> NamedKeys:
    """Return the keys that a module names."""
    return find_keys({"x.py": ast.parse(source)}, {"VendorError", "Offline"})


def test_keys_of_exceptions() -> None:
    """Keys are found at the raise, in tables and behind helpers."""
    found = keys(
        """
raise HomeAssistantError(translation_domain=DOMAIN, translation_key="direct")
raise Offline("text", key="first" if x else "second")
TABLE = {1: (VendorError, "in_table"), 2: (int, "no_error")}

def refuse(one, key):
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)

refuse(1, "behind_helper")
refuse(1, key="by_name")
CommandResult(warning="with_warning")
"""
    )
    assert found.exceptions == {"direct", "behind_helper", "by_name", "with_warning"}
    assert found.errors == {
        "first": {("Offline", "x.py")},
        "second": {("Offline", "x.py")},
        "in_table": {("VendorError", "x.py")},
    }


def test_keys_of_issues_and_devices() -> None:
    """Issues and devices have sections of their own."""
    found = keys(
        """
class Host:
    def problem(self, cause):
        ir.async_create_issue(self.hass, DOMAIN, cause, translation_key=cause)

self.host.problem("expired")
DeviceInfo(translation_key="account")
"""
    )
    assert (found.issues, found.devices) == ({"expired"}, {"account"})
    assert found.exceptions == set()


def test_keys_of_flows() -> None:
    """Steps and reasons belong to the kind of flow that shows them."""
    found = keys(
        """
class Flow(ConfigFlow, domain=DOMAIN):
    def async_step_user(self):
        self._abort_if_unique_id_configured()
        return self.async_show_form(step_id="user")

    def finish(self, entry, reason):
        return self.async_abort(reason=reason)

    def async_step_reauth(self):
        return self.finish(entry, "done")

class Options(OptionsFlow):
    def async_step_init(self):
        return self.async_show_menu(step_id="init")
"""
    )
    assert found.steps == {"config": {"user"}, "options": {"init"}}
    assert found.reasons == {"config": {"already_configured", "done"}, "options": set()}
