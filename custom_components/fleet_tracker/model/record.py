"""Records: data that nobody changes once it is made.

mypy reads `record` and `replace` as `dataclasses.dataclass` and `dataclasses.replace`, and
refuses each change of a frozen record. At run time nothing refuses a change: making a
frozen dataclass takes three to five times as long, and each news of each vehicle makes
dozens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The repeated name says that others may import it from here.
    from dataclasses import dataclass as record, replace as replace  # noqa: PLC0414
else:
    from collections.abc import Callable
    from dataclasses import dataclass
    from typing import Any

    def record(*, frozen: bool, **options: bool):
        """Return what makes a dataclass of a class: compared and hashed by its values."""
        return dataclass(**options, unsafe_hash=frozen)

    _COPIERS: dict[tuple[object, ...], Callable[..., Any]] = {}
    """By the kind of a record and the names of the values that are others."""

    def replace(one, /, **changes: object):
        """Return a record like another one, but for some values."""
        kind = type(one)
        copy = _COPIERS.get((kind, *changes)) or _copier(kind, *changes)
        return copy(one, **changes)

    def _copier(kind: type, *changed: str):
        """Return a function that copies a kind of record but for some values.

        Its code names each field, as dataclasses write their own methods, which is quicker
        than a loop over the names. The names are those of our own classes.
        """
        fields = kind.__dataclass_fields__
        if unknown := [name for name in changed if name not in fields]:
            raise TypeError(f"{kind.__name__} has no {', '.join(unknown)}")
        lines = [f"def copy({', '.join(('_one', *changed))}):", " _other = _new(_kind)"]
        lines += [
            f" _other.{name} = {name if name in changed else f'_one.{name}'}"
            for name in fields
        ]
        names = {"_kind": kind, "_new": object.__new__}
        exec("\n".join([*lines, " return _other"]), names)  # noqa: S102
        copy = _COPIERS[kind, *changed] = names["copy"]
        return copy
