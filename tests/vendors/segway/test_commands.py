"""Commands: sent, confirmed by the vehicle, or refused with a reason."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from custom_components.fleet_tracker.contract.commands import (
    Argument,
    Command,
    CommandResult,
)
from custom_components.fleet_tracker.contract.errors import (
    AuthenticationFailed,
    CommandFailed,
    CommandUnconfirmed,
    CommandUnsupported,
    CommandWithdrawn,
    InvalidArgument,
    VehicleOffline,
    VehicleUnavailable,
)
from custom_components.fleet_tracker.vendors.segway.commands import (
    MODEL_CAPABILITIES,
    OPERATIONS,
)
from custom_components.fleet_tracker.vendors.segway.connection import SegwayConnection
from custom_components.fleet_tracker.vendors.segway.errors import WARNINGS
from custom_components.fleet_tracker.vendors.segway.vocabulary import (
    SegwayCapability,
    SegwayCommand,
)
from tests.simulators.segway import SegwaySimulator
from tests.simulators.segway_mopeds import (
    CONTROL,
    DEMO_PARKED,
    DEMO_RIDING,
    LIMITED,
    MOPED_CONTROL,
    MOPED_QUERY,
    MOPED_SETTING,
    QUERY,
    SETTING,
    Model,
    Moped,
)
from tests.simulators.server import Fault
from tests.vendors.fake_host import Cleared, FakeHost
from tests.vendors.segway.conftest import make_connection

STATUS = f"{QUERY}/status"


@pytest.fixture
async def connection(host: FakeHost, server: SegwaySimulator) -> SegwayConnection:
    """Return a connection that has polled once."""
    host.patient = True
    connection = make_connection(host, server)
    await connection.poll()
    host.patient = False
    host.slept.clear()
    return connection


async def execute(
    connection: SegwayConnection,
    name: str,
    imei: str = DEMO_PARKED,
    /,
    **arguments: Argument,
) -> CommandResult:
    """Execute a command, and take its news as Home Assistant would."""
    result = await connection.execute(imei, Command(name, arguments), Cleared())
    if result.update is not None:
        connection.host.receive([result.update])
    return result


async def test_unlock_and_lock(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """Both are confirmed by the status."""
    await execute(connection, SegwayCommand.UNLOCK)
    assert not parked.locked
    assert host.reading(DEMO_PARKED, "locked") is False
    assert host.reading(DEMO_PARKED, "ignition") is True
    assert host.known[DEMO_PARKED].heard_at == host.now()
    await execute(connection, SegwayCommand.LOCK)
    assert parked.locked
    assert host.reading(DEMO_PARKED, "locked") is True
    assert not host.slept


async def test_the_riding_one_is_not_locked(connection: SegwayConnection) -> None:
    """And the user reads why."""
    with pytest.raises(CommandFailed) as caught:
        await execute(connection, SegwayCommand.LOCK, DEMO_RIDING)
    assert caught.value.translation_key == "segway_lock_riding"


async def test_refusals_have_their_reasons(
    connection: SegwayConnection, parked: Moped
) -> None:
    """Upgrading, geofence, handlebar, offline, locked parts, a missing helmet."""

    async def reason(name: str) -> str:
        with pytest.raises(CommandFailed) as caught:
            await execute(connection, name)
        return caught.value.translation_key

    assert await reason(SegwayCommand.OPEN_SADDLE) == "segway_open_while_locked"
    parked.handlebar_stuck = True
    assert await reason(SegwayCommand.UNLOCK) == "segway_handlebar_unlock_failed"
    parked.handlebar_stuck = False
    await execute(connection, SegwayCommand.START_RENTAL)
    parked.lock_forbidden_here = True
    assert await reason(SegwayCommand.LOCK) == "segway_lock_geofence"
    parked.tailbox_helmets = 0
    assert await reason(SegwayCommand.END_RENTAL) == "segway_end_rental_helmet"
    parked.upgrading = True
    assert await reason(SegwayCommand.SOUND_2) == "segway_upgrading"
    parked.online = False
    with pytest.raises(VehicleOffline):
        await execute(connection, SegwayCommand.LOCK)


WITHOUT_ARGUMENTS = [
    *(
        SegwayCommand.LOCK,
        SegwayCommand.UNLOCK,
        SegwayCommand.START_RENTAL,
        SegwayCommand.END_RENTAL,
    ),
    *(SegwayCommand.THROTTLE_ON, SegwayCommand.THROTTLE_OFF, SegwayCommand.OPEN_SADDLE),
    *(SegwayCommand.OPEN_TAILBOX, SegwayCommand.OPEN_BATTERY_COVER),
    *(SegwayCommand.SOUND_1, SegwayCommand.SOUND_2, SegwayCommand.SOUND_3),
]
WITH_ARGUMENTS: list[tuple[str, Mapping[str, Argument]]] = [
    (SegwayCommand.SET_SPEED_MODE, {"option": "high"}),
    (SegwayCommand.SET_BLUETOOTH_KEY, {"key": "abcd1234"}),
]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [*((name, {}) for name in WITHOUT_ARGUMENTS), *WITH_ARGUMENTS],
)
async def test_nothing_is_sent_without_clearance(
    connection: SegwayConnection,
    server: SegwaySimulator,
    name: str,
    arguments: Mapping[str, Argument],
) -> None:
    """No command is, whether it can stop the vehicle or not."""
    server.log.clear()
    command = Command(name, arguments)
    with pytest.raises(CommandWithdrawn):
        await connection.execute(DEMO_PARKED, command, Cleared(allowed=0))
    assert not [request for request in server.log if request.method != "GET"]


async def test_unknown_outcome_is_read_again(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost, parked: Moped
) -> None:
    """15302 after which the vehicle shows that it obeyed is a success."""
    server.demand(f"{CONTROL}/unlock", 15302, carried_out=True)
    await execute(connection, SegwayCommand.UNLOCK)
    assert host.reading(DEMO_PARKED, "locked") is False
    server.demand(f"{MOPED_CONTROL}/saddle", 15302, carried_out=True)
    await execute(connection, SegwayCommand.OPEN_SADDLE)
    assert host.reading(DEMO_PARKED, "saddle_unlocked") is True
    server.break_next(f"{CONTROL}/lock", Fault.HTTP_500)
    server.queried.clear()
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, SegwayCommand.LOCK)
    assert server.queried[STATUS, DEMO_PARKED] == 5
    assert host.slept == [2, 2, 2, 2]


async def test_unknown_outcome_stays_unknown(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """15302 after which the vehicle shows nothing new is told as such, not as failed."""
    server.demand(f"{CONTROL}/unlock", 15302)
    with pytest.raises(CommandUnconfirmed) as caught:
        await execute(connection, SegwayCommand.UNLOCK)
    assert caught.value.translation_key == "segway_device_timeout"
    assert host.reading(DEMO_PARKED, "locked") is True
    assert host.known[DEMO_PARKED].heard_at == host.now()
    server.demand(f"{CONTROL}/unlock", 15302)
    server.demand(STATUS, 15302, times=5)
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, SegwayCommand.UNLOCK)


# What already is as the command wants it: a rental, whose start and end unlock and lock,
# and parts, of which no time is told.
ALREADY_SO = [
    (SegwayCommand.START_RENTAL, f"{MOPED_CONTROL}/startRental", False),
    (SegwayCommand.END_RENTAL, f"{MOPED_CONTROL}/endRental", True),
    (SegwayCommand.OPEN_SADDLE, f"{MOPED_CONTROL}/saddle", False),
    (SegwayCommand.OPEN_TAILBOX, f"{MOPED_CONTROL}/tailbox", False),
]


@pytest.mark.parametrize("code", [15302, 15001])
@pytest.mark.parametrize(("command", "path", "locked"), ALREADY_SO)
async def test_unchanged_state_confirms_nothing(
    connection: SegwayConnection,
    server: SegwaySimulator,
    host: FakeHost,
    parked: Moped,
    command: str,
    path: str,
    locked: bool,
    code: int,
) -> None:
    """Nobody knows whether the command was carried out, also if somebody else did it."""
    parked.locked = locked  # which was not read since
    parked.opened = dict.fromkeys((1, 2), host.clock() + 60)
    server.demand(path, code)
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, command)


@pytest.mark.parametrize("code", [15302, 15001])
@pytest.mark.parametrize(
    ("command", "path", "locked"),
    [
        (SegwayCommand.START_RENTAL, f"{MOPED_CONTROL}/startRental", True),
        (SegwayCommand.END_RENTAL, f"{MOPED_CONTROL}/endRental", False),
    ],
)
async def test_changed_state_confirms_a_rental(
    connection: SegwayConnection,
    server: SegwaySimulator,
    parked: Moped,
    command: str,
    path: str,
    locked: bool,
    code: int,
) -> None:
    """The lock was read right before, and is otherwise after it."""
    parked.locked = locked
    server.demand(path, code, carried_out=True)
    await execute(connection, command)
    assert parked.locked is not locked


async def test_rental_of_which_nothing_was_known_before(
    connection: SegwayConnection, server: SegwaySimulator
) -> None:
    """Then the word of the server decides, and in doubt nothing does."""
    server.demand(STATUS, 15001)
    await execute(connection, SegwayCommand.START_RENTAL)
    server.demand(STATUS, 15001)
    server.demand(f"{MOPED_CONTROL}/endRental", 15302, carried_out=True)
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, SegwayCommand.END_RENTAL)


async def test_lock_that_was_locked_before(
    connection: SegwayConnection,
    server: SegwaySimulator,
    host: FakeHost,
    parked: Moped,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It counts when it was measured to be locked after the command, not before."""
    server.demand(f"{CONTROL}/lock", 15302)
    await execute(connection, SegwayCommand.LOCK)
    assert host.slept == [2]  # until it was measured later than the command
    status = {**parked.status(host.clock()), "statusUtcTime": int(host.clock()) - 1}
    monkeypatch.setattr(parked, "status", lambda *_: status)
    server.demand(f"{CONTROL}/lock", 15302)
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, SegwayCommand.LOCK)


async def test_unknown_outcome_of_a_command_that_nothing_reads_back(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost
) -> None:
    """A sound cannot be read back; the status is read all the same."""
    server.demand(f"{CONTROL}/sound", 15302, carried_out=True, times=2)
    server.queried.clear()
    host.advance(10)
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, SegwayCommand.SOUND_1)
    assert server.queried[STATUS, DEMO_PARKED] == 1
    assert host.known[DEMO_PARKED].heard_at == host.now()
    server.demand(STATUS, 15302)
    with pytest.raises(CommandUnconfirmed):
        await execute(connection, SegwayCommand.SOUND_1)


async def test_a_vehicle_that_does_not_show_it(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost, parked: Moped
) -> None:
    """The cloud said done, the vehicle says otherwise: that is no success."""
    server.answer_next(f"{SETTING}/speed-mode", {"code": 0, "data": None})
    with pytest.raises(CommandUnconfirmed) as caught:
        await execute(connection, SegwayCommand.SET_SPEED_MODE, option="high")
    assert caught.value.translation_key == "segway_not_confirmed"
    assert host.reading(DEMO_PARKED, "speed_mode") == "medium"
    assert parked.speed_mode == 2


async def test_confirmation_that_cannot_be_read(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost, parked: Moped
) -> None:
    """The vehicle said done; that its status is not to be had changes nothing."""
    server.demand(STATUS, 15302, times=5)
    result = await execute(connection, SegwayCommand.UNLOCK)
    assert result.update is not None
    assert not result.update.groups
    assert not parked.locked
    server.demand(STATUS, 15302, times=3)
    await execute(connection, SegwayCommand.LOCK)
    assert host.reading(DEMO_PARKED, "locked") is True


async def test_confirmation_by_a_status_without_the_reading(
    connection: SegwayConnection, server: SegwaySimulator
) -> None:
    """Speed mode 0 is none that can be told: the answer of the command counts."""
    server.answer_next(STATUS, {"code": 0, "data": {"speedMode": 0}})
    await execute(connection, SegwayCommand.SET_SPEED_MODE, option="low")
    server.demand(f"{SETTING}/speed-mode", 15302, carried_out=True)
    server.answer_next(STATUS, {"code": 0, "data": {"speedMode": 0}})
    await execute(connection, SegwayCommand.SET_SPEED_MODE, option="high")


@pytest.mark.parametrize("code", sorted(WARNINGS))
async def test_rental_with_a_reservation(
    connection: SegwayConnection, server: SegwaySimulator, host: FakeHost, code: int
) -> None:
    """It has started, and the user is told what did not work."""
    server.demand(f"{MOPED_CONTROL}/startRental", code)
    result = await execute(connection, SegwayCommand.START_RENTAL)
    assert result.warning == WARNINGS[code]
    assert host.reading(DEMO_PARKED, "locked") is False


async def test_rental_ends(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """Started and ended, both confirmed by the lock."""
    await execute(connection, SegwayCommand.START_RENTAL)
    await execute(connection, SegwayCommand.END_RENTAL)
    assert host.reading(DEMO_PARKED, "locked") is True


async def test_parts_open(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """Saddle and tail box are read back; the battery cover cannot be."""
    await execute(connection, SegwayCommand.UNLOCK)
    await execute(connection, SegwayCommand.OPEN_SADDLE)
    assert host.reading(DEMO_PARKED, "saddle_unlocked") is True
    await execute(connection, SegwayCommand.OPEN_TAILBOX)
    assert host.reading(DEMO_PARKED, "tailbox_unlocked") is True
    await execute(connection, SegwayCommand.OPEN_BATTERY_COVER)
    assert not parked.battery_cover_locked


async def test_part_that_was_closed_at_once(
    connection: SegwayConnection, parked: Moped, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A saddle that is shut again by the time it is read was opened nevertheless."""
    await execute(connection, SegwayCommand.UNLOCK)
    monkeypatch.setattr(parked, "extra_status", lambda: {"saddleStatus": 1})
    await execute(connection, SegwayCommand.OPEN_SADDLE)


async def test_throttle(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """Nothing tells how it is, so nothing is shown; off can stop a vehicle."""
    await execute(connection, SegwayCommand.THROTTLE_OFF)
    assert not parked.throttle
    await execute(connection, SegwayCommand.THROTTLE_ON)
    assert parked.throttle
    assert host.reading(DEMO_PARKED, "throttle") is None
    stopping = {
        name for name in OPERATIONS if connection.can_stop(DEMO_PARKED, Command(name))
    }
    assert stopping == {SegwayCommand.THROTTLE_OFF}


async def test_sounds_and_speed_mode(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """Three sounds, three modes."""
    for name in (SegwayCommand.SOUND_1, SegwayCommand.SOUND_2, SegwayCommand.SOUND_3):
        await execute(connection, name)
    assert parked.sounds == [1, 2, 3]
    for number, mode in enumerate(("low", "medium", "high"), start=1):
        await execute(connection, SegwayCommand.SET_SPEED_MODE, option=mode)
        assert parked.speed_mode == number
        assert host.reading(DEMO_PARKED, "speed_mode") == mode


async def test_bluetooth_key(connection: SegwayConnection, parked: Moped) -> None:
    """The key is returned, and can be set."""
    await execute(connection, SegwayCommand.SET_BLUETOOTH_KEY, key="Zyxw9876")
    assert parked.bluetooth_key == "Zyxw9876"
    result = await execute(connection, SegwayCommand.GET_BLUETOOTH_KEY)
    assert result.text == "Zyxw9876"


@pytest.mark.parametrize(
    ("name", "arguments", "path", "stored"),
    [
        (
            SegwayCommand.SET_RENTAL_CONDITIONS,
            {
                "saddle": "open_with_helmets",
                "tailbox": "keep_closed",
                "check_helmets": False,
                "check_saddle": True,
            },
            f"{MOPED_SETTING}/rental",
            {"saddleSwitch": 2, "tailboxSwitch": 3, "helmetCheck": 2, "saddleCheck": 1},
        ),
        (
            SegwayCommand.SET_SWITCHES,
            {
                "british_speed": False,
                "alerts_while_locked": True,
                "brake_regeneration": "high",
                "alert_sensitivity": 2.0,
                "low_power": 15,
                "show_odometer": True,
                "high_speed_limit": 42,
            },
            f"{MOPED_SETTING}/switch",
            {
                "bssDisplay": 1,
                "alertCheck": 2,
                "berLevel": 3,
                "alertSensitivity": 2,
                "lowPowerValue": 15,
                "displayODO": 2,
                "highSpeedLimit": 42,
            },
        ),
        (
            SegwayCommand.SET_FEATURES,
            {"assisted_pushing": True, "saddle_check": False},
            f"{MOPED_SETTING}/able-switch",
            {"assistedMode": 2, "saddleCheck": 1},
        ),
        (
            SegwayCommand.SET_AMBIENT_LIGHT,
            {
                "brightness": "high",
                "parking": True,
                "parking_color": "cyan",
                "cruise": False,
                "fault_color": "red",
            },
            f"{SETTING}/ambient",
            {
                "bright": 3,
                "parkingMode": {"mode": 2, "color": 5},
                "cruiseMode": {"mode": 1, "color": 1},
                "faultMode": {"mode": 2, "color": 2},
            },
        ),
        (
            SegwayCommand.SET_SOUNDS,
            {
                "enabled": True,
                "volume": 1,
                "sound_open_boxes": True,
                "sound_error": False,
            },
            f"{SETTING}/sound",
            {"workMode": 2, "volume": 1, "moeqMask": {"openBoxes": 1, "error": 0}},
        ),
        (
            SegwayCommand.SET_SOUNDS,
            {"volume": 3},
            f"{SETTING}/sound",
            {"workMode": 0, "volume": 3},
        ),
        (
            SegwayCommand.SET_UPLOAD_INTERVAL,
            {
                "location_unlocked": 20,
                "location_locked": 600,
                "status_riding": 15,
                "status_standing": 60,
                "status_locked": 900,
            },
            f"{SETTING}/interval",
            {
                "locationInterval": {"unlockStatus": 20, "lockStatus": 600},
                "statusInterval": {
                    "ridingStatus": 15,
                    "nonRiding": 60,
                    "lockStatus": 900,
                },
            },
        ),
        (
            SegwayCommand.SET_TIME,
            {"utc_offset": 3600, "dst_offset": 3600},
            f"{SETTING}/time-adjust",
            {"utcOffset": 3600, "dstOffset": 3600},
        ),
    ],
)
async def test_settings(
    connection: SegwayConnection,
    parked: Moped,
    name: str,
    arguments: Mapping[str, Argument],
    path: str,
    stored: dict[str, object],
) -> None:
    """Our words become the document's numbers."""
    await execute(connection, name, **arguments)
    assert parked.settings[path] == stored


async def test_upload_interval_is_remembered(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """By it, after a restart too, is judged whether pushes have stopped."""
    periods = {
        "location_unlocked": 20,
        "location_locked": 600,
        "status_riding": 15,
        "status_standing": 60,
        "status_locked": 900,
    }
    await execute(connection, SegwayCommand.SET_UPLOAD_INTERVAL, **periods)
    again = make_connection(host, server)
    configured = again._vehicles[DEMO_PARKED].schedule.configured
    assert configured is not None
    assert configured.status_locked == 900
    assert again._vehicles[DEMO_RIDING].schedule.configured is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (SegwayCommand.LOCK, {"force": True}),
        (SegwayCommand.SOUND_1, {"volume": 3}),
        (SegwayCommand.START_RENTAL, {"minutes": 5}),
        (SegwayCommand.GET_BLUETOOTH_KEY, {"x": 1}),
        (SegwayCommand.SET_BLUETOOTH_KEY, {}),
        (SegwayCommand.SET_BLUETOOTH_KEY, {"key": "abcd1234", "x": 1}),
        (SegwayCommand.SET_SPEED_MODE, {}),
        (SegwayCommand.SET_SPEED_MODE, {"option": "turbo"}),
        (SegwayCommand.SET_SPEED_MODE, {"option": 2}),
        (SegwayCommand.SET_SPEED_MODE, {"option": "low", "x": 1}),
        (SegwayCommand.SET_RENTAL_CONDITIONS, {}),
        (SegwayCommand.SET_RENTAL_CONDITIONS, {"saddle": "ajar"}),
        (SegwayCommand.SET_RENTAL_CONDITIONS, {"check_helmets": 1}),
        (SegwayCommand.SET_RENTAL_CONDITIONS, {"sadle": "open"}),
        (SegwayCommand.SET_SWITCHES, {"low_power": "15"}),
        (SegwayCommand.SET_SWITCHES, {"low_power": 15.5}),
        (SegwayCommand.SET_SWITCHES, {"low_power": True}),
        (SegwayCommand.SET_SWITCHES, {"low_power": 31}),
        (SegwayCommand.SET_AMBIENT_LIGHT, {"brightness": "low"}),
        (SegwayCommand.SET_AMBIENT_LIGHT, {"parking": False}),
        (SegwayCommand.SET_AMBIENT_LIGHT, {"brightness": "low", "parking": True}),
        (SegwayCommand.SET_SOUNDS, {}),
        (SegwayCommand.SET_SOUNDS, {"enabled": True, "sound_horn": True}),
        (SegwayCommand.SET_UPLOAD_INTERVAL, {"location_unlocked": 20}),
        (SegwayCommand.SET_TIME, {"utc_offset": 50_000, "dst_offset": 0}),
        (SegwayCommand.SET_TIME, {"utc_offset": 0}),
        ("self_destruct", {}),
    ],
)
async def test_arguments_that_are_none(
    connection: SegwayConnection,
    server: SegwaySimulator,
    name: str,
    arguments: Mapping[str, Argument],
) -> None:
    """Senseless arguments are refused before anything is sent."""
    server.requests.clear()
    with pytest.raises(InvalidArgument):
        await execute(connection, name, **arguments)
    assert not server.requests


async def test_commands_that_the_model_lacks_are_not_sent(
    host: FakeHost, server: SegwaySimulator
) -> None:
    """The picked model decides."""
    connection = make_connection(host, server, {DEMO_PARKED: {"model": "c80"}})
    with pytest.raises(CommandUnsupported) as caught:
        await execute(connection, SegwayCommand.START_RENTAL)
    assert caught.value.translation_key == "segway_not_on_model"
    assert not server.requests
    with pytest.raises(VehicleUnavailable):
        await execute(connection, SegwayCommand.LOCK, DEMO_RIDING)


@pytest.mark.parametrize("unsupported", [15707, 15004, 404])
async def test_refused_commands_disappear(
    connection: SegwayConnection,
    host: FakeHost,
    parked: Moped,
    unsupported: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Commands that the vehicle does not have are not offered any more."""
    parked.model, parked.unsupported = Model.MAX, unsupported
    await execute(connection, SegwayCommand.UNLOCK)
    with pytest.raises(CommandUnsupported):
        await execute(connection, SegwayCommand.OPEN_TAILBOX)
    assert SegwayCapability.TAILBOX not in host.known[DEMO_PARKED].capabilities
    assert SegwayCapability.SADDLE in host.known[DEMO_PARKED].capabilities
    logged = [r.getMessage() for r in caplog.records if "fleet_tracker" in r.name]
    assert len(logged) == 1
    assert "tailbox" in logged[0]
    assert DEMO_PARKED not in logged[0]


async def test_command_that_has_worked_is_not_given_up(
    connection: SegwayConnection, host: FakeHost, parked: Moped
) -> None:
    """15004 and 404 say nothing of the model any more; 15707 always does."""
    await execute(connection, SegwayCommand.UNLOCK)
    await execute(connection, SegwayCommand.OPEN_TAILBOX)
    parked.model = Model.MAX
    for unsupported in (15004, 404):
        parked.unsupported = unsupported
        with pytest.raises(CommandFailed):
            await execute(connection, SegwayCommand.OPEN_TAILBOX)
        assert SegwayCapability.TAILBOX in host.known[DEMO_PARKED].capabilities
    parked.unsupported = 15707
    with pytest.raises(CommandUnsupported):
        await execute(connection, SegwayCommand.OPEN_TAILBOX)
    assert SegwayCapability.TAILBOX not in host.known[DEMO_PARKED].capabilities


async def test_wrong_parameter_elsewhere_is_no_missing_model(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """15004 from an endpoint that all models have is just a refusal."""
    server.demand(f"{SETTING}/ambient", 15004)
    with pytest.raises(CommandFailed) as caught:
        await execute(
            connection,
            SegwayCommand.SET_AMBIENT_LIGHT,
            brightness="low",
            parking_color="green",
        )
    assert caught.value.translation_key == "segway_parameter_refused"
    assert SegwayCapability.AMBIENT_LIGHT in host.known[DEMO_PARKED].capabilities


async def test_refresh(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """Only this button asks the vehicle for its place; it reads all the rest too."""
    host.advance(100)
    server.queried.clear()
    server.log.clear()
    await execute(connection, SegwayCommand.REFRESH)
    assert {path for path, _ in server.queried} == {
        STATUS,
        f"{QUERY}/location",
        f"{MOPED_QUERY}/extra-status",
        f"{MOPED_QUERY}/battery-info",
    }
    queries = [request.query for request in server.log]
    assert {"iotCode": DEMO_PARKED, "realTimeLocation": "true"} in queries
    fix = host.known[DEMO_PARKED].latest_fix
    assert fix is not None
    assert fix.fixed_at == host.now()


async def test_quick_after_a_command(
    connection: SegwayConnection, host: FakeHost, server: SegwaySimulator
) -> None:
    """The parked one is looked at closely after a command."""
    await execute(connection, SegwayCommand.SOUND_2)
    server.queried.clear()
    host.advance(connection.poll_interval().total_seconds())
    host.patient = True
    await connection.poll()
    assert server.queried[f"{MOPED_QUERY}/extra-status", DEMO_PARKED] == 1
    host.advance(15)
    await connection.poll()
    assert server.queried[STATUS, DEMO_PARKED] == 1


async def test_wrong_credentials_of_a_command(
    connection: SegwayConnection, server: SegwaySimulator
) -> None:
    """The command raises AuthenticationFailed."""
    server.client_secret = "changed"
    server.drop_tokens()
    with pytest.raises(AuthenticationFailed):
        await execute(connection, SegwayCommand.LOCK)


def test_models_have_the_capabilities_of_the_document() -> None:
    """The capabilities of each model are those whose endpoints its heading names."""
    endpoints = {
        f"{MOPED_QUERY}/extra-status": SegwayCapability.EXTRA_STATUS,
        f"{MOPED_QUERY}/battery-info": SegwayCapability.BATTERY_INFO,
        f"{MOPED_CONTROL}/startRental": SegwayCapability.RENTAL,
        f"{MOPED_CONTROL}/endRental": SegwayCapability.RENTAL,
        f"{MOPED_CONTROL}/saddle": SegwayCapability.SADDLE,
        f"{MOPED_CONTROL}/tailbox": SegwayCapability.TAILBOX,
        f"{CONTROL}/battery-cover": SegwayCapability.BATTERY_COVER,
        f"{MOPED_SETTING}/rental": SegwayCapability.RENTAL_CONDITIONS,
        f"{MOPED_SETTING}/switch": SegwayCapability.SWITCHES,
        f"{SETTING}/speed-mode": SegwayCapability.SPEED_MODE,
        f"{SETTING}/time-adjust": SegwayCapability.TIME,
    }
    assert endpoints.keys() == LIMITED.keys()
    common = frozenset(SegwayCapability) - frozenset(endpoints.values())
    for key, model in (
        ("e_moped", Model.E_MOPED),
        ("c80", Model.C80),
        ("es", Model.ES),
        ("max", Model.MAX),
        ("max_pro", Model.MAX_PRO),
        ("max_plus", Model.MAX_PLUS),
    ):
        named = {endpoints[path] for path, models in LIMITED.items() if model in models}
        assert MODEL_CAPABILITIES[key] == common | named
