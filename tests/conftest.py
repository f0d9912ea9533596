"""Fixtures that every test gets."""

import asyncio
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC
import gc
import inspect
from itertools import count
import logging
import os
from pathlib import Path
import re
import threading
from typing import Any
from unittest.mock import patch

from homeassistant.components.http import HomeAssistantHTTP
from homeassistant.components.recorder import Recorder
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir, storage
from homeassistant.util import dt as dt_util, executor
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
import pytest
from pytest_asyncio.plugin import PytestAsyncioFunction
from pytest_homeassistant_custom_component import plugins
from pytest_homeassistant_custom_component.common import mock_storage

# The package that is imported first is the one Home Assistant looks into, and the test
# plugin has one of the same name.
import custom_components  # noqa: F401
from custom_components.fleet_tracker.account import line_file
from script.fuzz import EXAMPLES
from tests import frozen_time, turns
from tests.common import TALKATIVE
from tests.idle_clock import IdleClock
from tests.languages import speak_german
from tests.neutral_vendor import Clouds, register

# No deadline: on a busy machine a single example may take long without being slow.
# The same examples each time, and none from earlier runs: a failure is one of the change.
# What never changes finds nothing new by being much: that is for script/fuzz.
settings.register_profile(
    "fleet_tracker", deadline=None, derandomize=True, database=None, max_examples=50
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

frozen_time.install()
turns.install()

# In 10 s in all, Home Assistant interrupts each thread that does not end at once, and who is
# interrupted on a busy machine does not wake the next one: that stays. What never ends is
# ended by the time that a test may take.
executor.EXECUTOR_SHUTDOWN_TIMEOUT = 3600

for _talkative in TALKATIVE:
    logging.getLogger(_talkative).setLevel(logging.WARNING)

# pytest notes each line itself, and shows it when a test fails.
for _handler in logging.getLogger().handlers[:]:
    if type(_handler) is logging.StreamHandler:
        logging.getLogger().removeHandler(_handler)

# What a test leaves is looked for after each module. Looking in between finds little, and
# looks at all that is in use.
gc.set_threshold(200_000, 50, 1000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Escape half surrogate pairs in what was logged: workers cannot send them.

    Without this a run with ``-v``, which logs more, ends with an internal error.
    """
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode())
        for name, text in report.sections
    ]
    return report


@pytest.fixture(autouse=True)
def _use_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant find the integration, in the tests that start one.

    A recorder, where a test asks for it, has to be there before Home Assistant is.
    """
    if "recorder_mock" in request.fixturenames:
        request.getfixturevalue("recorder_mock")
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture
async def recorder_mock(
    recorder_mock: Recorder, hass: HomeAssistant
) -> AsyncIterator[Recorder]:
    """Record, as the test plugin's fixture does, until nobody reads what was recorded.

    That one ends the recorder before Home Assistant, whose background tasks may still read.
    """
    yield recorder_mock
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture(autouse=True)
def enable_event_loop_debug() -> None:
    """Leave the event loop as it is, instead of what the test plugin's fixture does.

    Its debug mode remembers where each callback was made, which takes a third of the time of
    all tests.
    """


def _uses_event_loop(request: pytest.FixtureRequest) -> bool:
    """Tell whether a test is a coroutine, or gets something of its own from one."""
    if isinstance(request.node, PytestAsyncioFunction):
        return True
    nearest = [
        given[-1]
        for given in request.node._fixtureinfo.name2fixturedefs.values()
        if given and given[-1].scope == "function"
    ]
    return any(
        inspect.iscoroutinefunction(one.func)
        or inspect.isasyncgenfunction(one.func)
        # The oldest test plugin wraps them, and notes what they need.
        or "event_loop" in one.argnames
        for one in nearest
    )


@pytest.fixture(autouse=True)
def verify_cleanup(request: pytest.FixtureRequest) -> Iterator[None]:
    """Look at what a test left behind, as the test plugin's fixture of this name does.

    That one makes an event loop and a thread, which most tests have no use for.
    """
    if _uses_event_loop(request):
        request.getfixturevalue("verify_cleanup")
        yield
        return
    before = frozenset(threading.enumerate())
    yield
    left = [one for one in threading.enumerate() if one not in before]
    assert all(
        isinstance(one, threading._DummyThread) or one.name.startswith("waitpid-")
        for one in left
    ), left
    assert dt_util.DEFAULT_TIME_ZONE is UTC


if hasattr(plugins, "configure_event_loop"):

    @pytest.fixture(autouse=True)
    def configure_event_loop(request: pytest.FixtureRequest) -> None:
        """Configure the loop of tests that have one, as the newest test plugin does."""
        if _uses_event_loop(request):
            request.getfixturevalue("configure_event_loop")


@pytest.fixture
def _patches() -> Iterator[pytest.MonkeyPatch]:
    """Patch for the whole test, also when the test undoes patches of its own."""
    with pytest.MonkeyPatch.context() as patches:
        yield patches


@pytest.fixture(autouse=True)
def disable_http_server(_patches: pytest.MonkeyPatch) -> None:
    """Open no port of Home Assistant's, as the newest test plugin's fixture does.

    That makes two mocks for each test. The oldest has none, and needs none.
    """

    async def open_nothing(*_: object) -> None:
        """Leave the ports to clients of tests, which open one of their own."""

    if hasattr(HomeAssistantHTTP, "async_bind"):
        _patches.setattr(HomeAssistantHTTP, "async_bind", open_nothing)
        _patches.setattr(HomeAssistantHTTP, "start", open_nothing)


@pytest.fixture(autouse=True, scope="module")
def garbage_collection() -> None:
    """Collect garbage before each module, as the test plugin's fixture of this name does.

    What is alive then stays so, code above all: it need not be looked at ever again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return paths of folders that do not exist yet."""
    root = tmp_path_factory.mktemp("storage")
    return (root / str(number) for number in count())


@pytest.fixture(autouse=True)
def _keep_lines_apart(_patches: pytest.MonkeyPatch, _folders: Iterator[Path]) -> None:
    """Give each test a folder for the files that are appended to.

    Of Home Assistant's own storage, the test plugin keeps all in memory.
    """
    _patches.setattr(line_file, "STORAGE_DIR", str(next(_folders)))


@pytest.fixture(scope="session")
def _storage_in_memory() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the test plugin's memory, and the functions that keep to it, by their names.

    The plugin wraps them in mocks, which take longer to make than Home Assistant itself.
    """
    names = ("_async_load", "_async_write_data", "async_remove")
    with mock_storage() as memory:
        return memory, {
            name: getattr(storage.Store, name).mock.side_effect for name in names
        }


@pytest.fixture
def hass_storage(
    _storage_in_memory: tuple[dict[str, Any], dict[str, Any]],
    _patches: pytest.MonkeyPatch,
) -> Iterator[dict[str, Any]]:
    """Keep Home Assistant's storage in memory, as the test plugin's fixture does."""
    memory, functions = _storage_in_memory
    for name, function in functions.items():
        _patches.setattr(storage.Store, name, function)
    yield memory
    memory.clear()


@pytest.fixture
async def idle_clock() -> AsyncIterator[IdleClock]:
    """Let time pass in the event loop only while nothing happens, and then at once."""
    loop = asyncio.get_running_loop()
    clock = IdleClock(loop)
    with clock.installed(loop):
        yield clock


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
# How long something took is not, however long it is by a clock that a test sets.
_DURATION = re.compile(r" in -?\d+\.\d{3} seconds")


@pytest.fixture(autouse=True)
def _log_tells_nothing_private() -> Iterator[None]:
    """Hold that none of our log lines says whose a vehicle is, or where.

    Nor does it tell of an error that was caught because it must not spoil the rest.
    """
    logger = logging.getLogger("custom_components.fleet_tracker")
    eavesdropper = _Eavesdropper()
    # Setting a level makes each logger look for its own anew, so it stays for the next test.
    if logger.level != logging.DEBUG:
        logger.setLevel(logging.DEBUG)
    logger.addHandler(eavesdropper)
    yield
    logger.removeHandler(eavesdropper)
    heard = [_DURATION.sub("", line) for line in eavesdropper.heard]
    assert [line for line in heard if _PRIVATE.search(line)] == []
    assert eavesdropper.errors == []


@pytest.fixture(autouse=True)
def _problems_tell_nothing_private(_patches: pytest.MonkeyPatch) -> Iterator[None]:
    """Hold the same of repair issues: Home Assistant adds them to the diagnostics."""
    told: list[str] = []
    create = ir.async_create_issue

    def create_and_note(
        hass: HomeAssistant, domain: str, issue_id: str, **issue: Any
    ) -> None:
        told.append(f"{issue_id} {issue.get('translation_placeholders')}")
        create(hass, domain, issue_id, **issue)

    _patches.setattr(ir, "async_create_issue", create_and_note)
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
