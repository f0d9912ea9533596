"""What several of these tests need."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
import json
from urllib.parse import urlencode

from custom_components.fleet_tracker.contract.connection import PollResult, Settings
from custom_components.fleet_tracker.contract.pushes import PushRequest
from custom_components.fleet_tracker.model.vehicle import VehicleUpdate
from custom_components.fleet_tracker.vendors.tracksolid.api.transport import (
    hash_password,
)
from custom_components.fleet_tracker.vendors.tracksolid.connection import (
    ACCOUNT,
    APP_KEY,
    APP_SECRET,
    PASSWORD_MD5,
    SERVER,
    TracksolidConnection,
)
from custom_components.fleet_tracker.vendors.tracksolid.instruction_lists import (
    by_model,
)
from custom_components.fleet_tracker.vendors.tracksolid.readers.reader import (
    Reader,
    Situation,
)
from tests.simulators import world
from tests.simulators.tracksolid import TracksolidSimulator
from tests.vendors.fake_host import FakeHost

VAN, CAR, CAM = "860000000000021", "860000000000022", "860000000000023"


def data(sim: TracksolidSimulator) -> dict[str, object]:
    """Return what the user entered."""
    return {
        SERVER: sim.root,
        APP_KEY: sim.app_key,
        APP_SECRET: sim.app_secret,
        ACCOUNT: sim.account,
        PASSWORD_MD5: hash_password(sim.password),
    }


def settings(sim: TracksolidSimulator, **options: object) -> Settings:
    """Return the settings with options."""
    return Settings(
        data=data(sim),
        options=options,
        vehicles={},
        driving_interval=timedelta(seconds=15),
        parked_interval=timedelta(seconds=60),
    )


def stand_still(sim: TracksolidSimulator) -> None:
    """Let all vehicles stand from now on, where they are.

    Where days pass, most of a test's time would go by in drives that it is not about.
    """
    now = sim.now
    for device in sim.devices.values():
        device.vehicle = world.parked(device.vehicle.at(now).place, now)


async def poll(connection: TracksolidConnection, host: FakeHost) -> PollResult:
    """Poll and merge, as the coordinator does."""
    result = await connection.poll()
    host.receive(result.updates)
    return result


def reader_of[R: Reader](connection: TracksolidConnection, kind: type[R]) -> R:
    """Return the reader of a kind."""
    (found,) = (one for one in connection._readers if isinstance(one, kind))
    return found


async def read_photos(
    connection: TracksolidConnection, *imeis: str
) -> Sequence[VehicleUpdate]:
    """Read the photos of vehicles that are due, in this order."""
    devices = {imei: connection.fleet.devices[imei] for imei in imeis}
    situation = Situation(
        now=connection.host.now(),
        devices=devices,
        by_model=by_model(devices.values()),
        vehicles={},
        with_ignition_on=frozenset(),
        driving=frozenset(),
        without_location=(),
    )
    due = connection.photos.due(situation)
    return await connection.photos.read(due, situation)


def request(
    path: str,
    body: object,
    *,
    token: str | None = None,
    as_json: bool = False,
    method: str = "POST",
) -> PushRequest:
    """Return a push of a list of items, or of a whole body if it is an object."""
    fields = body if isinstance(body, dict) else {"data_list": body}
    if token is not None:
        fields = {"token": token, **fields}
    if as_json:
        raw = json.dumps(fields).encode()
        kind = "application/json"
    else:
        raw = urlencode(
            {
                key: value if isinstance(value, str) else json.dumps(value)
                for key, value in fields.items()
            }
        ).encode()
        kind = "application/x-www-form-urlencoded"
    return PushRequest(
        method=method, path=path, content_type=kind, body=raw, remote="127.0.0.1"
    )
