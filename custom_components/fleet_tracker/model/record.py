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
    from dataclasses import dataclass
    from functools import cache

    def record(*, frozen: bool, **options: bool):
        """Return what makes a dataclass of a class: compared and hashed by its values."""
        return dataclass(**options, unsafe_hash=frozen)

    def replace(one, /, **changes: object):
        """Return a record like another one, but for some values."""
        other = _copier(type(one))(one)
        for name, value in changes.items():
            setattr(other, name, value)
        return other

    @cache
    def _copier(kind: type):
        """Return a function that copies a kind of record.

        Its code names each field, as dataclasses write their own methods, which is quicker
        than a loop over the names. The names are those of our own classes.
        """
        lines = ["def copy(one):", " other = new(kind)"]
        lines += [f" other.{name} = one.{name}" for name in kind.__dataclass_fields__]
        names = {"kind": kind, "new": object.__new__}
        exec("\n".join([*lines, " return other"]), names)  # noqa: S102
        return names["copy"]
