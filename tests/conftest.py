"""Fixtures that every test gets."""

from collections.abc import Iterator
import gc
import logging
import os
from pathlib import Path
import re
from typing import Any
from unittest.mock import patch

import freezegun
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
import pytest

# The package that is imported first is the one Home Assistant looks into, and the test
# plugin has one of the same name.
import custom_components  # noqa: F401
from custom_components.fleet_tracker.account import line_file
from script.fuzz import EXAMPLES
from tests.languages import speak_german
from tests.neutral_vendor import Clouds, register

# No deadline: on a busy machine a single example may take long without being slow.
# The same examples each time, and none from earlier runs: a failure is one of the change.
settings.register_profile(
    "fleet_tracker", deadline=None, derandomize=True, database=None, max_examples=100
)
# Many others each time, for script/fuzz, which chooses it and tells the seed.
settings.register_profile(
    "fuzz",
    deadline=None,
    derandomize=False,
    database=DirectoryBasedExampleDatabase(
        Path(__file__).parent.parent / ".cache" / "hypothesis"
    ),
    max_examples=int(os.environ.get(EXAMPLES, "2000")),
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("fleet_tracker")

# To freeze the time, each module that is loaded is searched for what tells it. These tell no
# time that a test is about, and are more than half of what is loaded.
freezegun.configure(
    extend_ignore_list=[
        "OpenSSL",
        "PIL",
        "acme",
        "anyio",
        "av",
        "bleak",
        "bluetooth_adapters",
        "boto3",
        "botocore",
        "charset_normalizer",
        "coverage",
        "cryptography",
        "dbus_fast",
        "execnet",
        "google",
        "h11",
        "hass_nabucasa",
        "httpcore",
        "httpx",
        "josepy",
        "mashumaro",
        "numpy",
        "pycognito",
        "requests",
        "respx",
        "s3transfer",
        "snitun",
        "sqlalchemy",
        "syrupy",
        "urllib3",
        "zeroconf",
    ]
)

# For that, it is looked whether the names in a module are still the same, for each module and
# each test. How many they are tells as much, and is known at once.
freezegun.api._get_module_attributes_hash = lambda module: (
    f"{id(module)}-{len(module.__dict__)}"
)

# A line for each entity and device that is new takes longer to write than to make them.
for _registry in ("entity_registry", "device_registry"):
    logging.getLogger(f"homeassistant.helpers.{_registry}").setLevel(logging.WARNING)


@pytest.fixture(autouse=True)
def _use_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find the integration, in the tests that start one.

    A recorder, where a test asks for it, has to be there before Home Assistant is.
    """
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave the event loop as it is, instead of what the test plugin's fixture does.

    Its debug mode remembers where each callback was made, which takes a third of the time of
    all tests.
    """


@pytest.fixture(autouse=True, scope="module")
def garbage_collection() -> None:
    """Collect garbage before each module, as the test plugin's fixture of this name does.

    What is alive then stays so, code above all: it need not be looked at ever again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _keep_lines_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Give each test a folder for the files that are appended to.

    Of Home Assistant's own storage, the test plugin keeps all in memory.
    """
    monkeypatch.setattr(
        line_file, "STORAGE_DIR", str(tmp_path_factory.mktemp("storage"))
    )


@pytest.fixture(autouse=True)
def _use_simulators(socket_enabled: None) -> None:
    """Allow real sockets, to this machine alone: the simulators listen on them."""


class _Eavesdropper(logging.Handler):
    """Reads whatever is logged, with the errors that go with it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(self.format(record))
        # What a test breaks on purpose says that it is broken.
        caught = record.exc_info if record.levelno >= logging.ERROR else None
        if caught and str(caught[1]) != "broken":
            self.errors.append(self.heard[-1])


# A number that names a tracker, a vehicle or a SIM card; degrees; a token or a password.
_PRIVATE = re.compile(r"\d{10}|\b\d{1,3}\.\d{4}|[0-9a-fA-F]{32}")


@pytest.fixture(autouse=True)
def _log_tells_nothing_private() -> Iterator[None]:
    """Hold that none of our log lines says whose a vehicle is, or where.

    Nor does it tell of an error that was caught because it must not spoil the rest.
    """
    logger = logging.getLogger("custom_components.fleet_tracker")
    eavesdropper = _Eavesdropper()
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(eavesdropper)
    yield
    logger.removeHandler(eavesdropper)
    logger.setLevel(level)
    assert [line for line in eavesdropper.heard if _PRIVATE.search(line)] == []
    assert eavesdropper.errors == []


@pytest.fixture(autouse=True)
def _problems_tell_nothing_private(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold the same of repair issues: Home Assistant adds them to the diagnostics."""
    told: list[str] = []
    create = ir.async_create_issue

    def create_and_note(
        hass: HomeAssistant, domain: str, issue_id: str, **issue: Any
    ) -> None:
        told.append(f"{issue_id} {issue.get('translation_placeholders')}")
        create(hass, domain, issue_id, **issue)

    monkeypatch.setattr(ir, "async_create_issue", create_and_note)
    yield
    # An issue is named after its cause and the entry, whose id is random.
    assert [
        one for one in told if _PRIVATE.search(re.sub(r"_\w{26,} ", " ", one))
    ] == []


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch) -> Clouds:
    """Register the neutral vendors, and return the clouds that their accounts ask."""
    return register(monkeypatch)


@pytest.fixture
async def german(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Let Home Assistant speak another language than English."""
    await speak_german(hass, monkeypatch, tmp_path)


@pytest.fixture
def entity_registry_enabled_by_default() -> Iterator[None]:
    """Enable every entity when it is added, also those that are disabled by default."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", True
    ):
        yield
