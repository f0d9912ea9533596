"""Buttons, select and actions: what reaches the vehicle, and what is refused."""

from __future__ import annotations

from typing import Any

from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.fleet_tracker.const import DOMAIN
from tests.common import set_up_component
from tests.simulators.segway_mopeds import MOPED_CONTROL, MOPED_SETTING, SETTING

from .rig import PARKED, RIDING, START, Rig

pytestmark = pytest.mark.freeze_time(START)


# --- buttons and select ---


async def test_saddle(rig: Rig) -> None:
    """The saddle opens while the moped is unlocked, else the user reads why not."""
    await rig.enable("button", PARKED, "open_saddle")
    with pytest.raises(HomeAssistantError) as caught:
        await rig.press(PARKED, "open_saddle")
    assert caught.value.translation_key == "segway_open_while_locked"
    await rig.press(PARKED, "unlock")
    await rig.outcome(rig.press(PARKED, "open_saddle"))
    assert rig.moped(PARKED).saddle_locked is False


@pytest.mark.parametrize(
    ("button", "part"),
    [
        ("open_tailbox", "tailbox_locked"),
        ("open_battery_cover", "battery_cover_locked"),
    ],
)
async def test_other_parts(rig: Rig, button: str, part: str) -> None:
    """The tail box and the battery cover are opened as the saddle is."""
    await rig.enable("button", PARKED, button)
    await rig.press(PARKED, "unlock")
    await rig.outcome(rig.press(PARKED, button))
    assert getattr(rig.moped(PARKED), part) is False


async def test_sounds(rig: Rig) -> None:
    """Each sound has its button."""
    for number in (1, 3):
        await rig.enable("button", PARKED, f"sound_{number}")
    for number in (1, 2, 3):
        await rig.press(PARKED, f"sound_{number}")
    assert rig.moped(PARKED).sounds == [1, 2, 3]


async def test_rental(rig: Rig) -> None:
    """A rental starts and ends; a helmet that is missing keeps it from ending."""
    for button in ("start_rental", "end_rental"):
        await rig.enable("button", PARKED, button)
    await rig.outcome(rig.press(PARKED, "start_rental"))
    assert rig.state("lock", PARKED, "locked").state == "unlocked"
    moped = rig.moped(PARKED)
    moped.seat_cask_helmets = 0
    with pytest.raises(HomeAssistantError) as caught:
        await rig.press(PARKED, "end_rental")
    assert caught.value.translation_key == "segway_end_rental_helmet"
    moped.seat_cask_helmets = 1
    await rig.outcome(rig.press(PARKED, "end_rental"))
    assert rig.state("lock", PARKED, "locked").state == "locked"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (15623, "The rental has started, but the saddle did not open."),
        (15624, "The rental has started, but the tail box did not open."),
        (15625, "The rental has started, but tail box and saddle did not open."),
    ],
)
async def test_rental_with_a_warning(
    rig: Rig, hass_ws_client: WebSocketGenerator, code: int, text: str
) -> None:
    """A rental that started with a reservation is no error, and the user reads it."""
    await rig.enable("button", PARKED, "start_rental")
    rig.server.demand(f"{MOPED_CONTROL}/startRental", code)
    await rig.outcome(rig.press(PARKED, "start_rental"))
    assert rig.state("lock", PARKED, "locked").state == "unlocked"
    await set_up_component(rig.hass, "persistent_notification")
    socket = await hass_ws_client(rig.hass)
    await socket.send_json_auto_id({"type": "persistent_notification/get"})
    notes = (await socket.receive_json())["result"]
    assert [(note["title"], note["message"]) for note in notes] == [("Parked", text)]


async def test_refresh(rig: Rig) -> None:
    """The refresh button, and nothing else, asks the vehicle itself where it is."""
    path = "/api/v2/vehicle/query/current/location"
    await rig.enable("button", PARKED, "refresh")
    await rig.run(60, 20)
    asked = [one.query for one in rig.server.log if one.path == path]
    assert asked
    assert not any("realTimeLocation" in query for query in asked)
    await rig.press(PARKED, "refresh")
    (query,) = [
        one.query
        for one in rig.server.log
        if one.path == path and "realTimeLocation" in one.query
    ]
    assert query == {"iotCode": PARKED, "realTimeLocation": "true"}


async def test_speed_mode(rig: Rig) -> None:
    """The speed mode is chosen, and shown once the status shows it."""
    await rig.enable("select", RIDING, "speed_mode")
    await rig.outcome(
        rig.call(
            "select", "select_option", RIDING, "select", "speed_mode", option="high"
        ),
    )
    assert rig.moped(RIDING).speed_mode == 3
    assert rig.state("select", RIDING, "speed_mode").state == "high"


async def test_speed_mode_that_cannot_be_told(rig: Rig) -> None:
    """A vehicle that tells none of the three modes has none that is known."""
    await rig.enable("select", RIDING, "speed_mode")
    rig.moped(RIDING).speed_mode = 0
    await rig.run(20, 5)
    assert rig.state("select", RIDING, "speed_mode").state == "unknown"


async def allow_stopping(rig: Rig) -> None:
    """Enable what can stop a vehicle, as the user does in the options."""
    rig.hass.config_entries.async_update_entry(
        rig.entry, options={**rig.entry.options, "allow_engine_cut": True}
    )
    await rig.settle()


async def test_throttle_is_guarded(rig: Rig) -> None:
    """The throttle is turned off only if that is enabled, and not of a ridden moped."""
    assert rig.entity_id("button", PARKED, "throttle_off") is None
    await rig.enable("button", PARKED, "throttle_on")
    await rig.outcome(rig.press(PARKED, "throttle_on"))
    assert rig.moped(PARKED).throttle is True
    await allow_stopping(rig)
    await rig.enable("button", PARKED, "throttle_off")
    await rig.enable("button", RIDING, "throttle_off")
    with pytest.raises(HomeAssistantError) as caught:
        await rig.outcome(rig.press(RIDING, "throttle_off"))
    assert caught.value.translation_key == "engine_cut_too_fast"
    assert rig.moped(RIDING).throttle is True
    await rig.outcome(rig.press(PARKED, "throttle_off"))
    assert rig.moped(PARKED).throttle is False
    await rig.outcome(rig.press(PARKED, "throttle_on"))
    assert rig.moped(PARKED).throttle is True


# --- settings ---


@pytest.mark.parametrize(
    ("action", "fields", "path", "sent"),
    [
        (
            "segway_set_rental_conditions",
            {"saddle": "open_with_helmets", "check_helmets": False},
            f"{MOPED_SETTING}/rental",
            {"saddleSwitch": 2, "helmetCheck": 2},
        ),
        (
            "segway_set_rental_conditions",
            {
                "saddle": "open",
                "tailbox": "keep_closed",
                "check_helmets": True,
                "check_saddle": True,
                "check_tailbox": False,
            },
            f"{MOPED_SETTING}/rental",
            {
                "saddleSwitch": 1,
                "tailboxSwitch": 3,
                "helmetCheck": 1,
                "saddleCheck": 1,
                "tailboxCheck": 2,
            },
        ),
        (
            "segway_set_moped_switches",
            {
                "british_speed": True,
                "alerts_while_locked": False,
                "brake_regeneration": "high",
                "alert_sensitivity": 3.0,
                "low_power": 30,
                "show_time": True,
                "show_odometer": False,
                "low_speed_limit": 6,
                "medium_speed_limit": 25,
                "high_speed_limit": 42,
            },
            f"{MOPED_SETTING}/switch",
            {
                "bssDisplay": 2,
                "alertCheck": 1,
                "berLevel": 3,
                "alertSensitivity": 3,
                "lowPowerValue": 30,
                "displayTime": 2,
                "displayODO": 1,
                "lowSpeedLimit": 6,
                "mediumSpeedLimit": 25,
                "highSpeedLimit": 42,
            },
        ),
        (
            "segway_set_moped_features",
            {
                "assisted_pushing": True,
                "crash_warning": False,
                "kickstand_check": True,
                "cruise": False,
                "speed_mode": True,
                "handlebar_lock": False,
                "low_power": True,
                "saddle_check": False,
            },
            f"{MOPED_SETTING}/able-switch",
            {
                "assistedMode": 2,
                "crashWarning": 1,
                "kickstandCheck": 2,
                "cruiseSwitch": 1,
                "speedModeSwitch": 2,
                "handlebarSwitch": 1,
                "lowPowerSwitch": 2,
                "saddleCheck": 1,
            },
        ),
        (
            "segway_set_ambient_light",
            {"brightness": "high", "parking": "off", "ready": "violet"},
            f"{SETTING}/ambient",
            {
                "bright": 3,
                "parkingMode": {"mode": 1, "color": 1},
                "readyMode": {"mode": 2, "color": 6},
            },
        ),
        (
            "segway_set_ambient_light",
            {
                "brightness": "low",
                "parking": "white",
                "cruise": "blue",
                "fault": "red",
            },
            f"{SETTING}/ambient",
            {
                "bright": 1,
                "parkingMode": {"mode": 2, "color": 7},
                "cruiseMode": {"mode": 2, "color": 4},
                "faultMode": {"mode": 2, "color": 2},
            },
        ),
        (
            "segway_set_lights",
            {"brightness": "medium", "ready": "green", "lock": "white"},
            "/api/v2/mopeds/setting/light",
            {
                "brightness": 2,
                "faultIndicator": 0,
                "readyIndicator": 1,
                "pushIndicator": 0,
                "parkingIndicator": 0,
                "lockIndicator": 7,
            },
        ),
        (
            "segway_set_sounds",
            {"enabled": True, "volume": 2},
            f"{SETTING}/sound",
            {"workMode": 2, "volume": 2},
        ),
        (
            "segway_set_sounds",
            {"enable": ["unlocked", "enter_cruise"], "disable": "battery_inserted"},
            f"{SETTING}/sound",
            {
                "workMode": 0,
                "moeqMask": {"unlocked": 1, "enterCruise": 1, "batteryInserted": 0},
            },
        ),
        (
            "segway_set_upload_interval",
            {
                "location_unlocked": 10,
                "location_locked": 65_535,
                "status_riding": 20,
                "status_standing": 60,
                "status_locked": 600,
            },
            f"{SETTING}/interval",
            {
                "locationInterval": {"unlockStatus": 10, "lockStatus": 65_535},
                "statusInterval": {
                    "ridingStatus": 20,
                    "nonRiding": 60,
                    "lockStatus": 600,
                },
            },
        ),
        (
            "segway_set_clock",
            {"utc_offset": -12_600, "dst_offset": 3600},
            f"{SETTING}/time-adjust",
            {"utcOffset": -12_600, "dstOffset": 3600},
        ),
        (
            "segway_set_bluetooth_key",
            {"key": "4BKNwi77"},
            f"{SETTING}/bluetooth-key",
            {"key": "4BKNwi77"},
        ),
    ],
)
async def test_settings(
    rig: Rig, action: str, fields: dict[str, Any], path: str, sent: dict[str, Any]
) -> None:
    """Choices of the user reach the vehicle as the document's numbers."""
    await rig.act(action, PARKED, **fields)
    assert rig.moped(PARKED).settings == {path: sent}
    assert rig.moped(RIDING).settings == {}


@pytest.mark.parametrize(
    ("action", "fields", "key"),
    [
        ("segway_set_rental_conditions", {}, "segway_nothing_to_set"),
        ("segway_set_moped_switches", {}, "segway_nothing_to_set"),
        ("segway_set_moped_features", {}, "segway_nothing_to_set"),
        ("segway_set_sounds", {}, "segway_nothing_to_set"),
        ("segway_set_lights", {}, "segway_nothing_to_set"),
        ("segway_set_lights", {"fault": "off"}, "invalid_fields"),
        ("segway_set_rental_conditions", {"saddle": "ajar"}, "invalid_fields"),
        ("segway_set_moped_switches", {"alert_sensitivity": 4}, "segway_invalid_value"),
        ("segway_set_moped_switches", {"low_power": 9}, "segway_invalid_value"),
        ("segway_set_moped_switches", {"low_power": 31}, "segway_invalid_value"),
        ("segway_set_moped_switches", {"low_speed_limit": 5}, "segway_invalid_value"),
        ("segway_set_moped_switches", {"high_speed_limit": 43}, "segway_invalid_value"),
        (
            "segway_set_moped_switches",
            {"high_speed_limit": 20.5},
            "segway_invalid_value",
        ),
        ("segway_set_moped_switches", {"top_speed": 20}, "invalid_fields"),
        ("segway_set_ambient_light", {"parking": "red"}, "invalid_fields"),
        ("segway_set_ambient_light", {"brightness": "low"}, "invalid_fields"),
        (
            "segway_set_ambient_light",
            {"brightness": "low", "parking": "pink"},
            "invalid_fields",
        ),
        ("segway_set_sounds", {"volume": 4}, "segway_invalid_value"),
        ("segway_set_sounds", {"enable": ["bells"]}, "invalid_fields"),
        (
            "segway_set_sounds",
            {"enable": ["error"], "disable": ["error"]},
            "segway_sound_on_and_off",
        ),
        (
            "segway_set_upload_interval",
            {
                "location_unlocked": 9,
                "location_locked": 900,
                "status_riding": 10,
                "status_standing": 10,
                "status_locked": 10,
            },
            "segway_invalid_value",
        ),
        ("segway_set_upload_interval", {"location_unlocked": 10}, "invalid_fields"),
        ("segway_set_clock", {"utc_offset": 43_201}, "segway_invalid_value"),
        ("segway_set_clock", {"dst_offset": 1800}, "segway_invalid_value"),
        ("segway_set_bluetooth_key", {"key": "abcd123"}, "segway_invalid_value"),
        ("segway_set_bluetooth_key", {"key": "abcd-234"}, "segway_invalid_value"),
        ("segway_set_bluetooth_key", {}, "invalid_fields"),
    ],
)
async def test_values_that_are_not_sent(
    rig: Rig, action: str, fields: dict[str, Any], key: str
) -> None:
    """Values outside of the document are refused in words before anything is sent."""
    before = rig.server.requests.total()
    with pytest.raises(HomeAssistantError) as caught:
        await rig.act(action, PARKED, **fields)
    assert caught.value.translation_key == key
    assert rig.server.requests.total() == before
    assert rig.moped(PARKED).settings == {}


@pytest.mark.parametrize(
    ("zone", "time", "offsets"),
    [
        ("Europe/Amsterdam", "2025-10-09", (3600, 3600)),
        ("Europe/Amsterdam", "2025-12-09", (3600, 0)),
        ("America/New_York", "2025-07-01", (-18_000, 3600)),
        ("Asia/Kolkata", "2025-07-01", (19_800, 0)),
        # Daylight saving in winter, and of half an hour: only their sums can be sent.
        ("Europe/Dublin", "2025-12-09", (0, 0)),
        ("Australia/Lord_Howe", "2025-12-09", (39_600, 0)),
        ("Pacific/Auckland", "2025-12-09", (43_200, 3600)),
    ],
)
async def test_clock_by_time_zone(
    rig: Rig, zone: str, time: str, offsets: tuple[int, int]
) -> None:
    """Without offsets, those of Home Assistant's time zone are sent as they are now."""
    await rig.hass.config.async_set_time_zone(zone)
    rig.freezer.move_to(f"{time} 12:00:00")
    await rig.settle()
    await rig.act("segway_set_clock", PARKED)
    sent = rig.moped(PARKED).settings[f"{SETTING}/time-adjust"]
    assert (sent["utcOffset"], sent["dstOffset"]) == offsets


async def test_time_zone_that_cannot_be_sent(rig: Rig) -> None:
    """A zone beyond 12 hours is refused in words, and can be entered by hand."""
    await rig.hass.config.async_set_time_zone("Pacific/Tongatapu")
    with pytest.raises(ServiceValidationError) as caught:
        await rig.act("segway_set_clock", PARKED)
    assert caught.value.translation_key == "segway_time_zone"
    await rig.act("segway_set_clock", PARKED, utc_offset=43_200)
    sent = rig.moped(PARKED).settings[f"{SETTING}/time-adjust"]
    assert sent == {"utcOffset": 43_200, "dstOffset": 0}


async def test_several_vehicles(rig: Rig) -> None:
    """All chosen vehicles are set; one that fails does not keep the others from it."""
    rig.moped(RIDING).upgrading = True
    with pytest.raises(HomeAssistantError) as caught:
        await rig.act("segway_set_sounds", RIDING, PARKED, volume=1)
    assert caught.value.translation_key == "segway_upgrading"
    assert rig.moped(PARKED).settings
    assert not rig.moped(RIDING).settings


# --- the Bluetooth key, and who may have it ---


async def test_bluetooth_keys(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The keys are returned to the caller, and never logged."""
    rig.moped(RIDING).bluetooth_key = "wxyz9876"
    answer = await rig.act("segway_get_bluetooth_key", PARKED, RIDING, response=True)
    assert answer == {
        rig.tracker(PARKED): {"key": "abcd1234"},
        rig.tracker(RIDING): {"key": "wxyz9876"},
    }
    await rig.act("segway_set_bluetooth_key", PARKED, key="4BKNwi77")
    assert rig.moped(PARKED).bluetooth_key == "4BKNwi77"
    logged = [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
    ]
    assert not any(
        key in line for line in logged for key in ("abcd1234", "wxyz9876", "4BKNwi77")
    )


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("segway_get_bluetooth_key", {}),
        ("segway_set_bluetooth_key", {"key": "4BKNwi77"}),
        ("segway_set_rental_conditions", {"saddle": "open"}),
    ],
)
async def test_administrators_only(
    rig: Rig,
    hass: HomeAssistant,
    hass_read_only_user: MockUser,
    action: str,
    fields: dict[str, str],
) -> None:
    """Keys and rental settings are not everybody's."""
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            action,
            {"entity_id": rig.tracker(PARKED), **fields},
            blocking=True,
            context=Context(user_id=hass_read_only_user.id),
            return_response=action.startswith("segway_get"),
        )
    assert rig.moped(PARKED).settings == {}


# --- what a vehicle lacks ---


async def test_learned_refusal(rig: Rig) -> None:
    """A control that the vehicle refuses as unsupported goes, also after a restart."""
    await rig.enable("button", PARKED, "open_saddle")
    rig.server.demand(f"{MOPED_CONTROL}/saddle", 15707)
    await rig.press(PARKED, "unlock")
    with pytest.raises(HomeAssistantError) as caught:
        await rig.press(PARKED, "open_saddle")
    assert caught.value.translation_key == "segway_not_supported"
    await rig.settle()
    assert rig.entity_id("button", PARKED, "open_saddle") is None
    assert rig.entity_id("button", RIDING, "open_saddle")
    await rig.reload()
    assert rig.entity_id("button", PARKED, "open_saddle") is None


async def test_setting_that_the_vehicle_lacks(rig: Rig) -> None:
    """An action on a vehicle that does not support it says so."""
    rig.server.demand(f"{SETTING}/interval", 15707)
    fields: dict[str, Any] = dict.fromkeys(
        (
            "location_unlocked",
            "location_locked",
            "status_riding",
            "status_standing",
            "status_locked",
        ),
        60,
    )
    for key in ("segway_not_supported", "segway_not_on_model"):
        with pytest.raises(HomeAssistantError) as caught:
            await rig.act("segway_set_upload_interval", PARKED, **fields)
        assert caught.value.translation_key == key
    # Now that it is known, no other is set before that is said.
    with pytest.raises(HomeAssistantError):
        await rig.act("segway_set_upload_interval", RIDING, PARKED, **fields)
    assert rig.moped(RIDING).settings == {}
    await rig.act("segway_set_upload_interval", RIDING, **fields)
    assert rig.moped(RIDING).settings
