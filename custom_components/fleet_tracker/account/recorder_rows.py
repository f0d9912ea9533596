"""Rows of statistics in Home Assistant's recorder, which need not be there.

The statistics of a vehicle are found by the end of their id, whatever it is called now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
import re
from typing import TYPE_CHECKING, cast

from homeassistant.const import UnitOfLength
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import slugify

from ..const import DOMAIN
from ..model.hours import Row

if TYPE_CHECKING:
    from homeassistant.components.recorder.models import (
        StatisticData,
        StatisticMetaData,
    )

RECORDER = "recorder"
_DISTANCE: dict[str, str] = {"distance": UnitOfLength.KILOMETERS}


@callback
def has_recorder(hass: HomeAssistant) -> bool:
    """Tell whether there is a recorder."""
    return RECORDER in hass.config.components


def _hashed(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()


def id_ending(identity: str, vehicle_id: str) -> str:
    """Return the end of the id of a vehicle's statistics. It names neither of the two."""
    return f"_{_hashed(identity, 4)}{_hashed(vehicle_id, 5)}_distance"


async def _async_ids(hass: HomeAssistant) -> set[str]:
    """Return the ids of all statistics of ours."""
    # Not before there is a recorder: what it needs may not be installed.
    from homeassistant.components.recorder import get_instance
    from homeassistant.components.recorder.statistics import get_metadata

    found = await get_instance(hass).async_add_executor_job(
        partial(get_metadata, hass, statistic_source=DOMAIN)
    )
    return set(found)


async def async_clear_rows(hass: HomeAssistant, identity: str) -> None:
    """Remove the statistics of an account, if there is a recorder."""
    if not has_recorder(hass):
        return
    from homeassistant.components.recorder import get_instance

    ours = re.compile(rf".*_{_hashed(identity, 4)}[0-9a-f]{{10}}_distance")
    ids = [one for one in await _async_ids(hass) if ours.fullmatch(one)]
    if ids:
        get_instance(hass).async_clear_statistics(ids)


class RecorderRows:
    """The statistics of an account's vehicles, read and written by the hour."""

    def __init__(self, hass: HomeAssistant, identity: str) -> None:
        """Initialize with the account."""
        self._hass = hass
        self._identity = identity
        self._ids: dict[str, str] | None = None
        """The ids by their ends."""

    async def async_id(self, vehicle_id: str, name: str) -> str:
        """Return the id of a vehicle's statistics, made of its name when it is new."""
        if self._ids is None:
            found = await _async_ids(self._hass)
            self._ids = {_ending_of(one): one for one in found}
        ending = id_ending(self._identity, vehicle_id)
        if ending not in self._ids:
            self._ids[ending] = f"{DOMAIN}:{slugify(name)}{ending}"
        return self._ids[ending]

    async def async_clear(self, vehicle_ids: Iterable[str]) -> None:
        """Remove the statistics of vehicles."""
        from homeassistant.components.recorder import get_instance

        endings = {id_ending(self._identity, one) for one in vehicle_ids}
        found = await _async_ids(self._hass)
        ids = sorted(one for one in found if _ending_of(one) in endings)
        if ids:
            get_instance(self._hass).async_clear_statistics(ids)
        self._ids = None

    async def async_read(
        self, statistic_id: str, begin: int
    ) -> tuple[Sequence[Row], int]:
        """Return the rows from an hour on, and the total until then in metres.

        Rows that were just written are among them.
        """
        from homeassistant.components.recorder import get_instance
        from homeassistant.components.recorder.statistics import (
            get_last_statistics,
            statistics_during_period,
        )

        recorder = get_instance(self._hass)
        await recorder.async_block_till_done()
        found = await recorder.async_add_executor_job(
            partial(
                statistics_during_period,
                self._hass,
                datetime.fromtimestamp(begin, UTC),
                None,
                {statistic_id},
                "hour",
                _DISTANCE,
                {"state", "sum"},
            )
        )
        rows = [
            Row(
                round(row["start"]),
                _metres(row.get("state")),
                _metres(row.get("sum")),
            )
            for row in found.get(statistic_id, ())
        ]
        if rows:
            return rows, rows[0].total - rows[0].metres
        last = await recorder.async_add_executor_job(
            partial(get_last_statistics, self._hass, 1, statistic_id, False, {"sum"})
        )
        ended = last.get(statistic_id, ())
        return (), _metres(ended[0].get("sum")) if ended else 0

    @callback
    def async_write(self, statistic_id: str, name: str, rows: Sequence[Row]) -> None:
        """Write rows, over those of the same hours."""
        from homeassistant.components.recorder.models import (
            StatisticData,
            StatisticMeanType,
            StatisticMetaData,
        )
        from homeassistant.components.recorder.statistics import (
            async_add_external_statistics,
        )

        told: dict[str, object] = {
            "mean_type": StatisticMeanType.NONE,
            "has_sum": True,
            "name": name,
            "source": DOMAIN,
            "statistic_id": statistic_id,
            "unit_of_measurement": UnitOfLength.KILOMETERS,
        }
        # Home Assistant 2026 wants it, and 2025 cannot take it.
        if "unit_class" in StatisticMetaData.__annotations__:
            told["unit_class"] = "distance"
        metadata = cast("StatisticMetaData", told)
        data: list[StatisticData] = [
            StatisticData(
                start=datetime.fromtimestamp(row.hour, UTC),
                state=row.metres / 1000,
                sum=row.total / 1000,
            )
            for row in rows
        ]
        async_add_external_statistics(self._hass, metadata, data)


def _ending_of(statistic_id: str) -> str:
    """Return the end of an id that tells whose it is."""
    return "_" + "_".join(statistic_id.rsplit("_", 2)[-2:])


def _metres(kilometres: float | None) -> int:
    return round((kilometres or 0) * 1000)
