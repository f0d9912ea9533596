"""Records: data that nobody changes once it is made.

mypy reads `record` as `dataclasses.dataclass` and refuses each change of a frozen record.
While it runs nothing refuses one: making a frozen dataclass takes three to five times as
long, and each news of each vehicle makes dozens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass as record
else:
    from dataclasses import dataclass

    def record(*, frozen: bool, **options: bool):
        """Return what makes a dataclass of a class: compared and hashed by its values."""
        return dataclass(**options, unsafe_hash=frozen)
