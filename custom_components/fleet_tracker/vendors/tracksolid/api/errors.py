"""The errors of the API by their codes (chapter 1, and the vendor's manual)."""

from __future__ import annotations

from collections.abc import Mapping
import re
from types import MappingProxyType

from ....contract.errors import (
    AccessDenied,
    AuthenticationFailed,
    ClockWrong,
    CommandFailed,
    CommandUnsupported,
    InvalidArgument,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
    VendorError,
)


class TokenRejected(VendorError):
    """The server takes neither a token nor the one that replaced it."""

    key = "tracksolid_token_rejected"


class WrongNode(AuthenticationFailed):
    """The app key belongs to another node (or is wrong): each works on one only."""

    key = "tracksolid_wrong_node"


class WrongSecret(AuthenticationFailed):
    """The signature does not fit, so the app secret is wrong."""

    key = "tracksolid_wrong_secret"


class Busy(VendorError):
    """The platform is busy (-1)."""

    key = "tracksolid_busy"


class BusinessError(VendorError):
    """The platform could not do it and does not say why (1100)."""

    key = "tracksolid_business"


class MethodUnknown(VendorError):
    """The node does not know the method, or the account may not use it (1007)."""

    key = "tracksolid_method"


class ParameterRefused(InvalidArgument):
    """The server does not accept a parameter (1001)."""

    key = "tracksolid_parameter"


class TooManyVehicles(InvalidArgument):
    """A batch holds more vehicles than the server takes; `limit` is what it names."""

    key = "tracksolid_imeis"

    def __init__(self, limit: int | None) -> None:
        """Initialize with the number of vehicles that the server allows, if it said so."""
        super().__init__("Too many vehicles in one request")
        self.limit = limit


class NotReady(VendorError):
    """The device has not sent its list yet (1207)."""

    key = "tracksolid_list_not_ready"


class CommandPending(VendorError):
    """The command was sent and the device has not answered yet (225)."""

    key = "tracksolid_command_sent"


class DailyQuota(RateLimited):
    """The day's allowance is used up."""

    key = "tracksolid_daily_quota"
    is_quota = True


SUCCESS = "0"
TOKEN_CODES = frozenset({"1004", "10006", "10011"})

_SEND_FAILED = "12005"
_ERRORS: Mapping[str, tuple[type[VendorError], str | None]] = MappingProxyType(
    {
        "-1": (Busy, None),
        "10": (VendorError, "tracksolid_already_bound"),
        "213": (VendorError, "tracksolid_account_exists"),
        "214": (VendorError, "tracksolid_account_unknown"),
        "215": (AccessDenied, "tracksolid_account_type"),
        # This code is among those for accounts and transfers. The document does not
        # explain it.
        "216": (BusinessError, None),
        "217": (VendorError, "tracksolid_account_unknown"),
        "218": (AccessDenied, "tracksolid_move_target"),
        "219": (InvalidArgument, "tracksolid_imeis"),
        "225": (CommandPending, None),
        "226": (CommandFailed, "tracksolid_parameter"),
        "227": (CommandFailed, "tracksolid_command_failed"),
        "228": (VehicleOffline, None),
        "229": (CommandFailed, "tracksolid_command_network"),
        "238": (CommandFailed, "tracksolid_command_interrupted"),
        "240": (CommandFailed, "tracksolid_command_format"),
        "243": (CommandUnsupported, None),
        "252": (CommandFailed, "tracksolid_device_busy"),
        "1001": (ParameterRefused, None),
        "1002": (VehicleUnavailable, "tracksolid_illegal"),
        "1003": (VendorError, "tracksolid_repeated"),
        "1004": (TokenRejected, None),
        "1005": (AccessDenied, "tracksolid_ip_limit"),
        "1007": (MethodUnknown, None),
        "1008": (VendorError, "tracksolid_abnormal"),
        "1100": (BusinessError, None),
        "1112": (VendorError, "tracksolid_already_there"),
        "1114": (InvalidArgument, "tracksolid_fence_exists"),
        "1207": (NotReady, None),
        "10006": (TokenRejected, None),
        "10011": (TokenRejected, None),
        "12001": (VendorError, "tracksolid_account_failed"),
        "12002": (VendorError, "tracksolid_move_failed"),
        "12003": (VendorError, "tracksolid_fence_failed"),
        "12004": (VendorError, "tracksolid_fence_failed"),
        _SEND_FAILED: (CommandFailed, "tracksolid_command_failed"),
        "30010": (CommandFailed, "tracksolid_command_password"),
        "41001": (VendorError, "tracksolid_fence_limit"),
        "41002": (InvalidArgument, "tracksolid_fence_exists"),
        "41003": (VehicleOffline, None),
        "41004": (VendorError, "tracksolid_fence_failed"),
    }
)
KNOWN_CODES = frozenset({*_ERRORS, "220", "1006"})

# Where a failed command says why: "Fail to send command. Result code：226", the colon
# being a full-width one as often as not.
_SUB_CODE = re.compile(r"[:：]\s*(\d{3,5})\b")
# "Incorrect user name or password". Other codes tell of the password of a device.
_WRONG_PASSWORD = re.compile(
    r"(user ?name|user ?id|account).*passw|passw.*(user ?name|user ?id|account)"
)
_TOO_MANY = re.compile(r"(?<!\d)(\d{1,3})(?!\d)")


def is_too_frequent(code: str, message: str) -> bool:
    """Tell whether an answer means "too frequent" (1006, or its text)."""
    return code == "1006" or "frequen" in message.lower()


def is_daily_quota(message: str) -> bool:
    """Tell whether "too frequent" is the quota of the day: then only hours help."""
    text = message.lower()
    return "frequen" in text and ("day" in text or "daily" in text)


def is_token_problem(code: str, message: str) -> bool:
    """Tell whether a new token helps: by the code, or by the text of other codes."""
    if code in TOKEN_CODES:
        return True
    return code not in _ERRORS and "token" in message.lower()


def error_for(code: str, message: str) -> VendorError:
    """Return the error that an answer's code stands for, which is not 0.

    The server's own message is left out of the error: it may name an IMEI.
    """
    text = message.lower()
    if code == _SEND_FAILED and (found := _SUB_CODE.search(message)):
        if found[1] in _ERRORS:
            return error_for(found[1], "")
    if code == "220":
        return TooManyVehicles(_limit(message))
    if "appkey" in text.replace(" ", ""):
        return WrongNode(f"Error code {code}")
    if (code == "1001" or code not in _ERRORS) and _WRONG_PASSWORD.search(text):
        return AuthenticationFailed(f"Error code {code}")
    if code == "1001" and (special := _parameter_error(text)):
        return special
    if "expired" in text and code not in TOKEN_CODES:
        return VehicleUnavailable(f"Error code {code}", key="tracksolid_expired")
    if code in _ERRORS:
        error, key = _ERRORS[code]
        return error(f"Error code {code}", key=key)
    if "not exist" in text or "illegal device" in text:
        return VehicleUnavailable(f"Error code {code}", key="tracksolid_illegal")
    return VendorError(
        f"Error code {code}",
        key="tracksolid_unknown_code",
        placeholders={"code": code},
    )


def sign_in_error(code: str, message: str) -> VendorError:
    """Return the error that a refused login stands for.

    No document says which code a wrong password has; 1001 was seen. A login
    sends well-formed parameters only, so a refused parameter is a wrong credential.
    """
    text = message.lower()
    if "password" in text or "user name" in text or "username" in text:
        return AuthenticationFailed(f"Error code {code}")
    error = error_for(code, message)
    if type(error) is ParameterRefused or code in {"1002", "214", "217"}:
        return AuthenticationFailed(f"Error code {code}")
    return error


def _parameter_error(text: str) -> VendorError | None:
    """Return what 1001 means when its text says more."""
    if "timestamp" in text:
        return ClockWrong("Error code 1001")
    if re.search(r"\bsign(ature)?\b", text):
        return WrongSecret("Error code 1001")
    if "imei" in text and (limit := _limit(text)) is not None:
        return TooManyVehicles(limit)
    return None


def _limit(message: str) -> int | None:
    """Return the number of vehicles that a message names."""
    found = _TOO_MANY.search(message)
    return int(found[1]) if found and int(found[1]) > 0 else None
