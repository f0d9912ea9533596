"""The endpoints of the Segway API, by the headings of `segway-emoped`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint. `limited`: the document says that some models lack it."""

    method: str
    path: str
    limited: bool = False

    @property
    def is_command(self) -> bool:
        """Whether it changes something."""
        return self.method == "POST"


def _query(path: str, *, limited: bool = False) -> Endpoint:
    return Endpoint("GET", f"/api/v2/{path}", limited)


def _command(path: str, *, limited: bool = False) -> Endpoint:
    return Endpoint("POST", f"/api/v2/{path}", limited)


STATUS = _query("vehicle/query/current/status")
EXTRA_STATUS = _query("mopeds/query/current/extra-status", limited=True)
LOCATION = _query("vehicle/query/current/location")
BATTERY_INFO = _query("mopeds/query/current/battery-info", limited=True)
BLUETOOTH_KEY = _query("vehicle/query/current/bluetooth-key")
START_RENTAL = _command("mopeds/control/startRental", limited=True)
END_RENTAL = _command("mopeds/control/endRental", limited=True)
UNLOCK = _command("vehicle/control/unlock")
LOCK = _command("vehicle/control/lock")
THROTTLE_RESPONSE = _command("vehicle/control/throttle-response")
SADDLE = _command("mopeds/control/saddle", limited=True)
TAILBOX = _command("mopeds/control/tailbox", limited=True)
BATTERY_COVER = _command("vehicle/control/battery-cover", limited=True)
SOUND = _command("vehicle/control/sound")
SET_RENTAL = _command("mopeds/setting/rental", limited=True)
SET_SWITCHES = _command("mopeds/setting/switch", limited=True)
SET_FEATURES = _command("mopeds/setting/able-switch")
SET_LIGHT = _command("mopeds/setting/light")
SET_AMBIENT = _command("vehicle/setting/ambient")
SET_SOUNDS = _command("vehicle/setting/sound")
SET_SPEED_MODE = _command("vehicle/setting/speed-mode", limited=True)
SET_BLUETOOTH_KEY = _command("vehicle/setting/bluetooth-key")
SET_INTERVAL = _command("vehicle/setting/interval")
SET_TIME = _command("vehicle/setting/time-adjust", limited=True)
