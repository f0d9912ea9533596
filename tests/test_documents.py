"""Facts written in several places are the same everywhere."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any
from urllib.parse import unquote

from homeassistant.util.yaml import load_yaml, parse_yaml
import pytest

from custom_components.fleet_tracker.vendors import VENDORS

ROOT = Path(__file__).parent.parent
STRINGS: dict[str, Any] = json.loads(
    (ROOT / "custom_components/fleet_tracker/translations/en.json").read_text(
        encoding="utf-8"
    )
)
FORM = "field | what to enter"
DEMO = ROOT / "script" / "demo_support" / "configuration"


def test_examples_run_in_the_demo() -> None:
    """Every example of the README is part of the demo's configuration, and all of that shown.

    An example is a whole file or automation, or one action of an automation.
    """
    automations: Any = load_yaml(str(DEMO / "automations.yaml"))
    whole = [
        load_yaml(str(DEMO / "dashboard.yaml")),
    ]
    for automation in automations:
        del automation["id"]
        whole.append(automation)
    actions = [action for automation in automations for action in automation["actions"]]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    examples = [parse_yaml(example) for example in found]
    for example in examples:
        assert example in whole or example in actions
    for part in whole:
        assert part in examples


def _tables(document: Path, beginning: str) -> list[list[str]]:
    """Return the first cells of each table whose header begins like that."""
    tables: list[list[str]] = []
    wanted = False
    for line in document.read_text(encoding="utf-8").splitlines():
        if line.startswith(f"| {beginning} |"):
            tables.append([])
            wanted = True
        elif not line.startswith("|"):
            wanted = False
        elif wanted and not line.startswith("|---"):
            tables[-1].append(line.split("|")[1].strip())
    return tables


def test_fields_are_called_as_in_the_forms() -> None:
    """The README, and each vendor's page, explain every field of the vendor's form."""
    steps = STRINGS["config"]["step"]
    explained = _tables(ROOT / "README.md", FORM)
    assert len(explained) == len(VENDORS)
    for vendor in VENDORS:
        labels = set(steps[vendor]["data"].values())
        assert labels in [set(fields) for fields in explained]
        (fields,) = _tables(ROOT / "docs" / "vendors" / f"{vendor}.md", FORM)
        assert set(fields) == labels


def test_options_are_called_as_in_the_form() -> None:
    """The README explains every option, and says of which vendors it is."""
    (rows,) = _tables(ROOT / "README.md", "option")
    sections = STRINGS["options"]["step"]["settings"]["sections"].values()
    labels = [label for one in sections for label in one["data"].values()]
    assert sorted(row.partition(" (")[0] for row in rows) == sorted(labels)


@pytest.mark.parametrize("name", ["requirements_test.txt", "requirements_demo.txt"])
def test_requirements_of_the_manifest(name: str) -> None:
    """The environments have what Home Assistant would install for the integration."""
    manifest = json.loads(
        (ROOT / "custom_components/fleet_tracker/manifest.json").read_text()
    )
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    assert set(manifest["requirements"]) <= set(lines)


_RIDDLES = re.compile(
    r"\bTake (?:that|who|whose|whom|what|where)\b|\bof whom it is\b|\bfor who\b"
    r"|\b[Nn]ews (?:are|were|have|come)\b"
    r"|\b(?:is|are) meant\b|\b[Ww]hat is told\b|\b[Ww]hom\b|\bis asked whether\b"
    r"|\basked are\b|\bReturn who\b|\bTake Home Assistant\b"
)


def test_comments_name_the_thing_and_the_act() -> None:
    """No comment and no page reads like a riddle, and *news* takes a singular verb."""
    folders = ("custom_components", "script", "tests", "docs")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in folders
        for suffix in ("py", "md", "json")
        for path in sorted((ROOT / folder).rglob(f"*.{suffix}"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if _RIDDLES.search(line) and "_RIDDLES" not in line and 'r"' not in line
    ]
    assert found == []


def test_architecture_names_every_room_and_every_file_of_a_vendor() -> None:
    """A reader of the page finds where a line is."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    package = ROOT / "custom_components" / "fleet_tracker"
    wanted = {f"{path.name}/" for path in package.iterdir() if _holds_code(path)}
    for vendor in VENDORS:
        folder = package / "vendors" / vendor
        wanted |= {path.name for path in folder.glob("*.py")} - {"__init__.py"}
        wanted |= {f"{path.name}/" for path in folder.iterdir() if _holds_code(path)}
    for folder in package.glob("*/*/"):
        if folder.parent.name != "vendors" and _holds_code(folder):
            wanted.add(f"{folder.parent.name}/{folder.name}/")
    assert {name for name in wanted if f"`{name}" not in page} == set()


def test_architecture_names_only_files_that_exist() -> None:
    """A file that was renamed or removed is not on the page any more."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    named = set(re.findall(r"`([\w/]+(?:\.py|\.js|/))`", page))
    folders = ("custom_components", "script", "tests")
    there = "\n".join(
        f"/{path.relative_to(ROOT)}{'/' if path.is_dir() else ''}"
        for folder in folders
        for path in [ROOT / folder, *(ROOT / folder).rglob("*")]
    )
    assert len(named) > 80
    assert {name for name in named if f"/{name}" not in there} == set()


def _holds_code(path: Path) -> bool:
    return (path / "__init__.py").is_file()


def test_every_blueprint_can_be_imported_from_the_readme() -> None:
    """The README links each blueprint by the address that it says to come from."""
    page = (ROOT / "README.md").read_text("utf-8")
    folder = ROOT / "custom_components" / "fleet_tracker" / "blueprints"
    linked = {
        unquote(address)
        for address in re.findall(r"blueprint_import/\?blueprint_url=([^)\s]+)", page)
    }
    sources = re.compile(r"source_url: (\S+)")
    files = sorted(folder.rglob("*.yaml"))
    written = {
        found.group(1)
        for path in files
        if (found := sources.search(path.read_text("utf-8"))) is not None
    }
    assert linked == written
    assert len(written) == len(files)
    assert all(
        address.endswith(str(path.relative_to(ROOT)))
        for address, path in zip(sorted(written), files, strict=True)
    )


def test_every_trigger_and_condition_is_linked() -> None:
    """The page of automations leads to the page of each trigger and condition."""
    page = (ROOT / "docs" / "automations.md").read_text("utf-8")
    linked = set(re.findall(r"\((automations/[a-z_/]+\.md)\)", page))
    pages = (ROOT / "docs" / "automations").rglob("*.md")
    assert linked == {str(path.relative_to(ROOT / "docs")) for path in pages}


# American English, as in Home Assistant itself: what the British word would be.
BRITISH = re.compile(
    r"\b(?:\w*(?:colour|behaviour|neighbour|favour|honour|harbour)\w*|grey|licences?|tyres?"
    r"|\w*(?:metre|litre|centre)s?|catalogues?|programmes?|cheques?|whilst|amongst|learnt"
    r"|(?:cancel|label|travel|signal|model|dial|total)l(?:ed|ing|er)|lorry|lorries|bonnet"
    r"|windscreen|number plates?|boot|petrol|storey|defence|offence|\w+yse[ds]?"
    r"|(?:author|organ|recogn|normal|initial|synchron|real|minim|maxim|optim|summar|categor)"
    r"is(?:e|es|ed|ing|ation))\b",
    re.IGNORECASE,
)
# One word for one thing: what has a tracker is a vehicle, whatever its kind.
OTHER_TERMS = re.compile(
    r"\b(?:GPS devices?|GPS units?|tracking devices?|automobiles?|terminals?|log-in)\b",
    re.IGNORECASE,
)


def _texts(texts: object, path: str = "en.json") -> Iterator[tuple[str, str]]:
    """Yield the texts of the translations with where they stand."""
    if isinstance(texts, dict):
        for key, value in texts.items():
            yield from _texts(value, f"{path}.{key}")
    else:
        yield path, str(texts)


def _prose() -> Iterator[tuple[str, str]]:
    """Yield the lines of the pages that are not code, with where they stand."""
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        text = page.read_text(encoding="utf-8")
        text = re.sub(
            r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL
        )
        for line in text.splitlines():
            yield page.name, line


def _keys(texts: object) -> Iterator[str]:
    """Yield the keys of the translations: names of fields, entities, alarms and others."""
    if isinstance(texts, dict):
        for key, value in texts.items():
            yield key.replace("_", " ")
            yield from _keys(value)


def test_keys_are_spelled_as_the_texts() -> None:
    """What is written in YAML is the same English."""
    assert not [key for key in _keys(STRINGS) if BRITISH.search(key)]


@pytest.mark.parametrize("words", [BRITISH, OTHER_TERMS], ids=["spelling", "terms"])
def test_one_english(words: re.Pattern[str]) -> None:
    """What users read is one English, with one word for one thing."""
    found = [
        f"{where}: {word[0]}"
        for where, text in (*_texts(STRINGS), *_prose())
        for word in words.finditer(text)
    ]
    assert not found
