"""What the Segway API's status codes mean: an error with a text of its own for each.

From the lists of the document `segway-emoped`, one per endpoint, and its Appendix 1. The
`msg` of an answer is never shown: the texts here are, in the user's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ...vendor import (
    AccessDenied,
    CannotConnect,
    CommandFailed,
    CommandUnconfirmed,
    CommandUnsupported,
    InvalidAnswer,
    InvalidArgument,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)

SUCCESS = 0
TOKEN_REFUSED = 15101


class NotReached(CannotConnect):
    """No connection could be made: the request was not sent."""


class NoAnswer(CannotConnect):
    """The request was sent, and no answer came, or a part of one."""

    key = "segway_no_answer"


class ServerError(CannotConnect):
    """The server says that it failed (15001, or an HTTP error)."""

    key = "segway_server_error"


class TokenRefused(AccessDenied):
    """A token that was issued a moment ago is not accepted."""

    key = "segway_token_refused"


class DeviceNotFound(VehicleUnavailable):
    """No vehicle with this IMEI belongs to the account (15102)."""

    key = "segway_device_not_found"


class DeviceInactive(VehicleUnavailable):
    """The vehicle was not activated (15300)."""

    key = "segway_device_inactive"


class DeviceTimeout(CommandUnconfirmed):
    """The vehicle did not answer in time (15302): what it did is not known."""

    key = "segway_device_timeout"


class LocationUnknown(CommandFailed):
    """The vehicle has told no location yet (15400)."""

    key = "segway_location_unknown"


class EndpointMissing(CommandUnsupported):
    """The server has no such endpoint (HTTP 404)."""

    key = "segway_not_supported"


class ParameterRefused(CommandFailed):
    """The server does not like a parameter (15004)."""

    key = "segway_parameter_refused"


class NotSegway(InvalidAnswer):
    """The server answers, but not as the Segway API does."""

    key = "segway_invalid_answer"


class UnknownCode(InvalidAnswer):
    """A status code that the document does not list."""

    key = "segway_unknown_code"


@dataclass(frozen=True, slots=True)
class StatusCode:
    """What a status code is raised as, its translation key, and the English text."""

    error: type[VendorError]
    key: str
    text: str


STATUS_CODES: Mapping[int, StatusCode] = MappingProxyType(
    {
        15001: StatusCode(
            ServerError,
            "segway_server_error",
            "The Segway server reports an error. Try again later.",
        ),
        15004: StatusCode(
            ParameterRefused,
            "segway_parameter_refused",
            "Segway does not accept a value of this request for this vehicle.",
        ),
        15100: StatusCode(
            AccessDenied,
            "segway_platform_refused",
            "Segway does not know this client ID on this server. Check the region.",
        ),
        TOKEN_REFUSED: StatusCode(
            TokenRefused,
            "segway_token_refused",
            "Segway accepts the client ID and secret, but not the token that it issued"
            " for them. Check the region.",
        ),
        15102: StatusCode(
            DeviceNotFound,
            "segway_device_not_found",
            "Segway finds no vehicle with this IoT IMEI in your account.",
        ),
        15300: StatusCode(
            DeviceInactive,
            "segway_device_inactive",
            "This vehicle has not been activated at Segway.",
        ),
        15301: StatusCode(
            VehicleOffline, "segway_device_offline", "The vehicle is offline."
        ),
        15302: StatusCode(
            DeviceTimeout,
            "segway_device_timeout",
            "The vehicle did not answer in time. Whether it carried out the command is"
            " not known.",
        ),
        15303: StatusCode(
            CommandFailed,
            "segway_send_failed",
            "Segway could not send the command to the vehicle.",
        ),
        15400: StatusCode(
            LocationUnknown,
            "segway_location_unknown",
            "Segway knows no location of this vehicle yet.",
        ),
        15500: StatusCode(
            CommandFailed,
            "segway_upgrading",
            "The vehicle is updating its software. Try again when it has finished.",
        ),
        15600: StatusCode(
            CommandFailed,
            "segway_lock_riding",
            "The vehicle was not locked because it is being ridden.",
        ),
        15601: StatusCode(
            CommandFailed, "segway_lock_failed", "The vehicle could not be locked."
        ),
        15602: StatusCode(
            CommandFailed,
            "segway_lock_network",
            "The vehicle could not be locked because of a network error.",
        ),
        15603: StatusCode(
            CommandFailed,
            "segway_handlebar_lock_failed",
            "The handlebar could not be locked. Turn it to the side and try again.",
        ),
        15611: StatusCode(
            CommandFailed, "segway_unlock_failed", "The vehicle could not be unlocked."
        ),
        15612: StatusCode(
            CommandFailed,
            "segway_unlock_network",
            "The vehicle could not be unlocked because of a network error.",
        ),
        15613: StatusCode(
            CommandFailed,
            "segway_handlebar_unlock_failed",
            "The handlebar could not be unlocked. Move it a little and try again.",
        ),
        15620: StatusCode(
            CommandFailed,
            "segway_start_rental_failed",
            "The rental could not be started.",
        ),
        15621: StatusCode(
            CommandFailed,
            "segway_start_rental_network",
            "The rental could not be started because of a network error.",
        ),
        15622: StatusCode(
            CommandFailed,
            "segway_start_rental_handlebar",
            "The rental could not be started because the handlebar did not unlock.",
        ),
        15627: StatusCode(
            CommandFailed,
            "segway_end_rental_riding",
            "The rental was not ended because the vehicle is being ridden.",
        ),
        15628: StatusCode(
            CommandFailed, "segway_end_rental_failed", "The rental could not be ended."
        ),
        15629: StatusCode(
            CommandFailed,
            "segway_end_rental_network",
            "The rental could not be ended because of a network error.",
        ),
        15630: StatusCode(
            CommandFailed,
            "segway_end_rental_handlebar",
            "The rental was not ended because the handlebar did not lock.",
        ),
        15631: StatusCode(
            CommandFailed,
            "segway_end_rental_helmet",
            "The rental was not ended because a helmet has not been returned.",
        ),
        15632: StatusCode(
            CommandFailed,
            "segway_end_rental_saddle",
            "The rental was not ended because the saddle is not locked.",
        ),
        15633: StatusCode(
            CommandFailed,
            "segway_end_rental_tailbox",
            "The rental was not ended because the tail box is not locked.",
        ),
        15634: StatusCode(
            CommandFailed,
            "segway_end_rental_tailbox_saddle",
            "The rental was not ended because tail box and saddle are not locked.",
        ),
        15635: StatusCode(
            CommandFailed,
            "segway_open_while_locked",
            "This opens only while the vehicle is unlocked.",
        ),
        15638: StatusCode(
            CommandFailed,
            "segway_execution_failed",
            "The vehicle could not carry out the command.",
        ),
        15707: StatusCode(
            CommandUnsupported,
            "segway_not_supported",
            "This vehicle or its software does not support this.",
        ),
        15990: StatusCode(
            AccessDenied,
            "segway_restricted",
            "Segway has restricted this for your account. Ask your contact at Segway.",
        ),
        15996: StatusCode(
            CommandFailed,
            "segway_lock_geofence",
            "The vehicle must not be locked in this area.",
        ),
        15997: StatusCode(
            CommandFailed,
            "segway_lock_moving",
            "The vehicle cannot be locked while it is moving.",
        ),
    }
)

# A rental that has started all the same.
WARNINGS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        15623: (
            "segway_started_without_saddle",
            "The rental has started, but the saddle did not open.",
        ),
        15624: (
            "segway_started_without_tailbox",
            "The rental has started, but the tail box did not open.",
        ),
        15625: (
            "segway_started_without_tailbox_saddle",
            "The rental has started, but tail box and saddle did not open.",
        ),
    }
)

# What no status code stands behind.
OTHER_TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "segway_invalid_auth": "Segway does not accept this client ID and secret.",
        "segway_invalid_answer": "This server does not answer as the Segway API does.",
        "segway_no_answer": "The Segway server did not answer in time.",
        "segway_unknown_code": "Segway answered with the unknown status code {code}.",
        "segway_unknown_region": "The first letter of the client ID names no region."
        " Choose the server yourself.",
        "segway_invalid_imei": "An IoT IMEI has 1 to 32 letters and digits.",
        "segway_invalid_value": "{name} must be one of: {allowed}.",
        "segway_missing_value": "{name} is missing.",
        "segway_unknown_value": "{name} is not known here.",
        "segway_nothing_to_set": "Choose at least one setting to change.",
        "segway_not_on_model": "Vehicles of this model do not support this.",
        "segway_not_confirmed": "Segway accepted the command, but the vehicle does not"
        " show that it was carried out.",
    }
)


def error_for(code: int) -> VendorError:
    """Return the error that a status code other than 0 stands for."""
    known = STATUS_CODES.get(code)
    if known is None:
        return UnknownCode(
            f"Unknown status code {code}", placeholders={"code": str(code)}
        )
    return known.error(f"Status code {code}", key=known.key)


def invalid_value(name: str, allowed: str) -> InvalidArgument:
    """Return the error for a value that the document does not allow."""
    return InvalidArgument(
        f"Invalid value of {name}",
        key="segway_invalid_value",
        placeholders={"name": name, "allowed": allowed},
    )
