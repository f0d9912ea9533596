"""The errors that a vendor may raise: each names the text that the user is shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar


class VendorError(Exception):
    """Something went wrong at the vendor or on the way there.

    ``key`` names the translated text (section ``exceptions``), ``placeholders`` fill it. The
    exception's own text is for logs and names no vehicle, account or secret.
    """

    key: ClassVar[str] = "vendor_error"

    def __init__(
        self,
        message: str = "",
        *,
        key: str | None = None,
        placeholders: Mapping[str, str] | None = None,
    ) -> None:
        """Initialize with a text for the log, and a key to use instead of the class's own."""
        self.translation_key = key or self.key
        self.placeholders: dict[str, str] = dict(placeholders or {})
        super().__init__(message or self.translation_key)


class CannotConnect(VendorError):
    """The server cannot be reached, or answers with an HTTP error or not in time."""

    key = "cannot_connect"


class InvalidAnswer(VendorError):
    """The server answers something that its document does not know: HTML, half a JSON."""

    key = "invalid_answer"


class AuthenticationFailed(VendorError):
    """The credentials are wrong. Only this starts reauthentication."""

    key = "invalid_auth"


class AccessDenied(VendorError):
    """The credentials are right, but the account may not do this (not enabled, blocked)."""

    key = "access_denied"


class ClockWrong(VendorError):
    """The server refuses requests because the clocks differ."""

    key = "clock_wrong"


class RateLimited(VendorError):
    """Too many requests. ``retry_after`` is how long to wait, where that is known.

    ``is_quota``: an allowance is used up that the vendor's document knows, so that only
    hours help.
    """

    key = "rate_limited"
    is_quota: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        key: str | None = None,
        placeholders: Mapping[str, str] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        """Initialize as VendorError, with the wait until the next try."""
        super().__init__(message, key=key, placeholders=placeholders)
        self.retry_after = retry_after


class VehicleUnavailable(VendorError):
    """The vendor refuses one vehicle: unknown, not of this account, expired, blocked."""

    key = "vehicle_unavailable"


class CommandFailed(VendorError):
    """The vehicle or the vendor refused a command, or it failed; nothing has changed."""

    key = "command_failed"


class VehicleOffline(CommandFailed):
    """The command did not reach the vehicle, which is offline."""

    key = "vehicle_offline"


class CommandWithdrawn(CommandFailed):
    """The command was not sent: where it was to leave, it was not allowed any more."""

    key = "command_withdrawn"


class CommandUnsupported(CommandFailed):
    """The vehicle does not know the command, and never will."""

    key = "command_unsupported"


class CommandUnconfirmed(VendorError):
    """The command was sent, but whether it took effect is not known."""

    key = "command_unconfirmed"


class InvalidArgument(VendorError):
    """A value is outside of what the document allows; nothing was sent."""

    key = "invalid_argument"


OF_THE_ACCOUNT = (
    AccessDenied,
    AuthenticationFailed,
    CannotConnect,
    ClockWrong,
    RateLimited,
)
"""The errors that every vehicle of an account would meet."""
