"""Records: data that nobody changes once it is made.

mypy reads `record` and `replace` as `dataclasses.dataclass` and `dataclasses.replace`, and
refuses each change of a frozen record. At run time nothing refuses a change: making a
frozen dataclass takes three to five times as long, and each news of each vehicle makes
dozens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record, replace as replace  # noqa: PLC0414
else:
    from dataclasses import dataclass
    from functools import cache

    def record(*, frozen: bool, **options: bool):
        """Return what makes a dataclass of a class: compared and hashed by its values."""
        return dataclass(**options, unsafe_hash=frozen)

    @cache
    def _copier(kind: type):
        """Return what copies a record of a kind, field by field, as its `__init__` is made.

        A loop over the names of the fields takes three times as long.
        """
        names = kind.__dataclass_fields__
        lines = [f"    other.{name} = one.{name}" for name in names]
        code = "\n".join(["def copied(one):", "    other = new(kind)", *lines])
        made = {"new": object.__new__, "kind": kind}
        exec(f"{code}\n    return other", made)  # noqa: S102  of our own names alone
        return made["copied"]

    def replace(one, /, **changes: object):
        """Return a record like another one, but for some values."""
        other = _copier(type(one))(one)
        for name, value in changes.items():
            setattr(other, name, value)
        return other

    @cache
    def _copier(kind: type):
        """Return what copies a kind of record, written out for its fields: no loop is as quick."""
        lines = ["def copy(one):", " other = new(kind)"]
        lines += [f" other.{name} = one.{name}" for name in kind.__dataclass_fields__]
        names = {"kind": kind, "new": object.__new__}
        exec("\n".join([*lines, " return other"]), names)  # noqa: S102
        return names["copy"]
