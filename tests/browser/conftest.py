"""One demo and one browser for all tests, and a context for each screen."""

from __future__ import annotations

from collections.abc import Generator, Iterator
import json
import os
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright
import pytest

from script.demo_support.home_assistant import VERSION

from .demo import PATIENCE, Demo, free_port, running_demo
from .screen import Screen

# Measured by hand: script/measure-dashboard
collect_ignore = [] if os.environ.get("MEASURE") else ["test_speed.py"]
IS_OLDEST = VERSION.startswith("2025.")
FAILURES = Path(__file__).parent.parent.parent / ".cache" / "browser-failures"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this Home Assistant cannot do."""
    for marker in item.iter_markers("newest") if IS_OLDEST else ():
        pytest.skip(marker.args[0])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped in CI for another reason: nobody would look why."""
    report = yield
    is_expected = IS_OLDEST and item.get_closest_marker("newest") is not None
    if report.skipped and os.environ.get("CI") and not is_expected:
        report.outcome = "failed"
        report.longrepr = f"It was skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session", name="demo")
def a_demo() -> Iterator[Demo]:
    """Return a running demo: one of its own, or that at the port `DEMO_PORT`."""
    if port := os.environ.get("DEMO_PORT"):
        yield Demo.at(int(port))
        return
    with running_demo(free_port()) as demo:
        yield demo


@pytest.fixture(scope="session", name="browser")
def a_browser() -> Iterator[Browser]:
    """Return the browser that `script/test-browser` found."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("BROWSER_PATH") or None,
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def own_accounts_go(demo: Demo) -> Iterator[None]:
    """Remove the accounts that a test added: others count the vehicles of the demo."""
    before = demo.accounts()
    yield
    for entry_id in demo.accounts() - before:
        demo.ask("DELETE", f"config/config_entries/entry/{entry_id}")


@pytest.fixture(name="screen")
def a_screen(
    demo: Demo, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Screen]:
    """Return a page of Home Assistant; it may not have complained at the end."""
    context = browser.new_context(service_workers="block", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    login = {
        "access_token": demo.token,
        "token_type": "Bearer",
        "expires_in": 10**8,
        "refresh_token": "",
        "hassUrl": demo.url,
        "clientId": f"{demo.url}/",
        "expires": 10**14,
    }
    text = json.dumps(json.dumps(login))
    context.add_init_script(f"localStorage.setItem('hassTokens', {text})")
    screen = Screen(demo, context.new_page())
    yield screen
    FAILURES.mkdir(parents=True, exist_ok=True)
    screen.page.screenshot(path=FAILURES / f"{request.node.name}.png")
    context.close()
    assert not screen.complaints
