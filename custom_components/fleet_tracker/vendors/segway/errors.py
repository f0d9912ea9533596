"""The errors of the Segway API by their status codes, with a text of its own for each.

From the lists of the document `segway-emoped`, one per endpoint, and its Appendix 1. The
`msg` of an answer is never shown: the user reads a text in the own language instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...contract.errors import (
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
    """The vehicle did not answer in time (15302), and may have obeyed or not."""

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


# The error of each status code, and the key of its text.
STATUS_CODES: Mapping[int, tuple[type[VendorError], str]] = MappingProxyType(
    {
        15001: (ServerError, "segway_server_error"),
        15004: (ParameterRefused, "segway_parameter_refused"),
        15100: (AccessDenied, "segway_platform_refused"),
        TOKEN_REFUSED: (TokenRefused, "segway_token_refused"),
        15102: (DeviceNotFound, "segway_device_not_found"),
        15300: (DeviceInactive, "segway_device_inactive"),
        15301: (VehicleOffline, "segway_device_offline"),
        15302: (DeviceTimeout, "segway_device_timeout"),
        15303: (CommandFailed, "segway_send_failed"),
        15400: (LocationUnknown, "segway_location_unknown"),
        15500: (CommandFailed, "segway_upgrading"),
        15600: (CommandFailed, "segway_lock_riding"),
        15601: (CommandFailed, "segway_lock_failed"),
        15602: (CommandFailed, "segway_lock_network"),
        15603: (CommandFailed, "segway_handlebar_lock_failed"),
        15611: (CommandFailed, "segway_unlock_failed"),
        15612: (CommandFailed, "segway_unlock_network"),
        15613: (CommandFailed, "segway_handlebar_unlock_failed"),
        15620: (CommandFailed, "segway_start_rental_failed"),
        15621: (CommandFailed, "segway_start_rental_network"),
        15622: (CommandFailed, "segway_start_rental_handlebar"),
        15627: (CommandFailed, "segway_end_rental_riding"),
        15628: (CommandFailed, "segway_end_rental_failed"),
        15629: (CommandFailed, "segway_end_rental_network"),
        15630: (CommandFailed, "segway_end_rental_handlebar"),
        15631: (CommandFailed, "segway_end_rental_helmet"),
        15632: (CommandFailed, "segway_end_rental_saddle"),
        15633: (CommandFailed, "segway_end_rental_tailbox"),
        15634: (CommandFailed, "segway_end_rental_tailbox_saddle"),
        15635: (CommandFailed, "segway_open_while_locked"),
        15638: (CommandFailed, "segway_execution_failed"),
        15707: (CommandUnsupported, "segway_not_supported"),
        15990: (AccessDenied, "segway_restricted"),
        15996: (CommandFailed, "segway_lock_geofence"),
        15997: (CommandFailed, "segway_lock_moving"),
    }
)

# A rental that has started all the same: the keys of the warnings.
WARNINGS: Mapping[int, str] = MappingProxyType(
    {
        15623: "segway_started_without_saddle",
        15624: "segway_started_without_tailbox",
        15625: "segway_started_without_tailbox_saddle",
    }
)


def error_for(code: int) -> VendorError:
    """Return the error that a status code other than 0 stands for."""
    known = STATUS_CODES.get(code)
    if known is None:
        return UnknownCode(
            f"Unknown status code {code}", placeholders={"code": str(code)}
        )
    error, key = known
    return error(f"Status code {code}", key=key)


def invalid_value(name: str, allowed: str) -> InvalidArgument:
    """Return the error for a value that the document does not allow."""
    return InvalidArgument(
        f"Invalid value of {name}",
        key="segway_invalid_value",
        placeholders={"name": name, "allowed": allowed},
    )
