"""The errors of the Open API by their codes (open-api-classic chapter 3)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ...contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    ClockWrong,
    CommandFailed,
    CommandUnsupported,
    InvalidAnswer,
    InvalidArgument,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)


class UnknownRequest(InvalidAnswer):
    """The server does not know the operation."""

    key = "unknown_request"


class MissingParameter(InvalidArgument):
    """The server wants a parameter that was not sent."""


class NoData(VendorError):
    """There is nothing in the period asked for; to the client's callers, an empty list."""

    key = "no_data"


class TokenRejected(VendorError):
    """The server takes neither a token nor the one that replaced it."""

    key = "token_rejected"


TOO_FREQUENT = 10009
CLOCK_WRONG = 10014

# The codes after which a new token helps. The documents do not say what 10002 (login
# timeout) and 10003 (not login yet) are beside them; both mean the same cure.
TOKEN_CODES = frozenset({10002, 10003, 10010, 10011, 10012})

_ERRORS: Mapping[int, tuple[type[VendorError], str | None]] = MappingProxyType(
    {
        10000: (VendorError, "system_error"),
        10001: (UnknownRequest, None),
        10002: (TokenRejected, None),
        10003: (TokenRejected, None),
        10004: (InvalidArgument, "parameter_error"),
        10005: (MissingParameter, "parameter_error"),
        10006: (InvalidArgument, "parameter_out_of_range"),
        10007: (AccessDenied, "permission_denied"),
        TOO_FREQUENT: (RateLimited, None),
        10010: (TokenRejected, None),
        10011: (TokenRejected, None),
        10012: (TokenRejected, None),
        10013: (VehicleUnavailable, "vehicle_not_authorized"),
        CLOCK_WRONG: (ClockWrong, None),
        10016: (AccessDenied, "account_blocked"),
        20001: (AuthenticationFailed, None),
        20005: (VehicleUnavailable, "target_unknown"),
        20017: (VehicleOffline, None),
        20018: (CommandFailed, None),
        20023: (NoData, None),
        20046: (VehicleUnavailable, "vehicle_expired"),
        20048: (CommandUnsupported, None),
        20089: (VehicleUnavailable, "vehicle_blocked"),
    }
)


def error_for(code: int) -> VendorError:
    """Return the error that a code other than 0 stands for.

    The server's own message is left out: it may name an IMEI.
    """
    if code not in _ERRORS:
        return VendorError(
            f"Error code {code}",
            key="unknown_error_code",
            placeholders={"code": str(code)},
        )
    error, key = _ERRORS[code]
    return error(f"Error code {code}", key=key)
