"""Frozen time that costs little, beside what freezegun does by itself.

To freeze the time, freezegun searches each module that is loaded for what tells it, and
each call that tells it asks who calls. The event loop calls at every turn. Both give
the same here as there, and remember what they found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
import datetime as dt
import sys
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import freezegun
from freezegun import api, config
from pytest_homeassistant_custom_component import patch_time, plugins

# These tell no time that a test is about, and are more than half of what is loaded.
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


def _size(module: ModuleType) -> int:
    return len(getattr(module, "__dict__", ()))


def _outline(module: ModuleType) -> str:
    """Return what changes when the names of a module do: how many they are tells it."""
    return f"{id(module)}-{_size(module)}"


class _Modules:
    """The loaded modules, without those of which it is known that they tell no time."""

    def __init__(self) -> None:
        # What they were when nothing was found in them, and how large.
        self._timeless: dict[str, ModuleType] = {}
        self._sizes: list[tuple[str, ModuleType, dict[str, object], int]] = []
        self._found: list[tuple[str, ModuleType]] = []

    def keys(self) -> Iterable[str]:
        """Return the names of modules that are new, changed, or known to tell the time.

        When the time goes on, it is asked only which are new.
        """
        if api.freeze_factories:
            self._forget_what_changed()
        loaded = sys.modules
        ignored = tuple(config.settings.default_ignore_list)
        self._found = []
        for name in [name for name in loaded if name not in self._timeless]:
            module = loaded[name]
            names = getattr(module, "__dict__", {})
            searched = api._GLOBAL_MODULES_CACHE.get(name)
            if name.startswith(ignored) or searched == (_outline(module), []):
                self._timeless[name] = module
                self._sizes.append((name, module, names, len(names)))
            else:
                self._found.append((name, module))
        return [name for name, _ in self._found]

    def items(self) -> Iterable[tuple[str, ModuleType]]:
        """Return the modules whose names were just asked for."""
        return self._found

    def get(self, name: str, default: None = None) -> ModuleType | None:
        """Return any module by its name."""
        return sys.modules.get(name, default)

    def _forget_what_changed(self) -> None:
        loaded = sys.modules.get
        changed = {
            name
            for name, module, names, size in self._sizes
            if len(names) != size or loaded(name) is not module
        }
        if changed:
            self._sizes = [one for one in self._sizes if one[0] not in changed]
            for name in changed:
                del self._timeless[name]


class _Callers:
    """Remembers of modules, by their names, whether the time stays real for them."""

    def __init__(self) -> None:
        self._ignored: tuple[str, ...] = ()
        self._known: dict[str | None, bool] = {}

    def should_use_real_time(self) -> bool:
        """Tell whether one of the nearest callers of a time function is to be ignored."""
        try:
            ignored = api.ignore_lists[-1]
        except IndexError:  # another thread has just let the time go on
            return True
        if ignored is not self._ignored:
            self._known = {}
            self._ignored = ignored
        known = self._known
        frame = sys._getframe(2)
        for _ in range(api.call_stack_inspection_limit):
            name = frame.f_globals.get("__name__")
            real = known.get(name)
            if real is None:
                real = known[name] = bool(name and name.startswith(ignored))
            if real:
                return True
            if frame.f_back is None:
                break
            frame = frame.f_back
        return False


@dataclass(frozen=True)
class _Told:
    """A frozen time, and what was told of it to those who asked."""

    frozen: dt.datetime
    offset: dt.timedelta
    now: dict[dt.tzinfo | None, dt.datetime] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)


class _Moment:
    """Tells the frozen time as freezegun does, and tells it again while it is the same."""

    def __init__(self) -> None:
        self._told: _Told | None = None

    def _frozen(self) -> _Told | None:
        """Return the time that stands still, None if it does not."""
        try:
            factory = api.freeze_factories[-1]
            offset = api.tz_offsets[-1]
        except IndexError:  # another thread has just let the time go on
            return None
        if type(factory) is not api.FrozenDateTimeFactory:
            return None
        told = self._told
        frozen = factory.time_to_freeze
        if told is None or told.frozen is not frozen or told.offset != offset:
            told = self._told = _Told(frozen, offset)
        return told

    def seconds(self) -> float:
        """Return the time in UNIX seconds, which the event loop goes by too."""
        told = self._frozen()
        if told is None:
            return _seconds()
        if not told.seconds:
            told.seconds.append(_seconds())
        return told.seconds[0]

    def now(self, tz: dt.tzinfo | None = None) -> dt.datetime:
        """Return the time in a time zone, or without any."""
        told = self._frozen()
        if told is None:
            return _now(tz)
        now = told.now.get(tz)
        if now is None:
            now = told.now[tz] = _now(tz)
        return now


_seconds = api._get_fake_monotonic
_MODULES, _CALLERS, _MOMENT = _Modules(), _Callers(), _Moment()

# The test plugin has a class of its own, elsewhere in its newest version than in its oldest.
_FAKE_DATETIME = (
    patch_time if hasattr(patch_time, "HAFakeDatetime") else plugins
).HAFakeDatetime
_now: Callable[[dt.tzinfo | None], dt.datetime] = _FAKE_DATETIME.now


def fake_time() -> float:
    """Return the frozen time in UNIX seconds, the real one to those who are ignored."""
    if _CALLERS.should_use_real_time():
        return api.real_time()
    return _MOMENT.seconds()


def install() -> None:
    """Put this in the place of what freezegun has.

    In the place of what the newest test plugin has, too: before each test it gives that to
    freezegun.
    """
    patched = cast("Any", api)
    patched.sys = SimpleNamespace(modules=_MODULES)
    patched._get_fake_monotonic = _MOMENT.seconds
    patched.fake_time = fake_time
    patched._get_module_attributes_hash = _outline
    patched._should_use_real_time = _CALLERS.should_use_real_time
    patch_time.ha_get_module_attributes_hash = _outline
    patch_time.ha_should_use_real_time = _CALLERS.should_use_real_time
    _FAKE_DATETIME.now = _MOMENT.now
