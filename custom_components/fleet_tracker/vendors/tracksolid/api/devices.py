"""Chapter 4: the devices of an account, and the account's own administration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ....contract.errors import InvalidAnswer
from ....model.json_values import as_flag, as_text, is_record
from .batches import Batches
from .records import Device, Group, UpdateResult
from .transport import Transport, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleChanges:
    """What `DevicesApi.update` changes (4.4); None leaves as it is.

    `odometer` is in km, `fuel_per_100_km` in litres.
    """

    device_name: str | None = None
    vehicle_name: str | None = None
    vehicle_icon: str | None = None
    vehicle_number: str | None = None
    vehicle_models: str | None = None
    driver_name: str | None = None
    driver_phone: str | None = None
    enabled: bool | None = None
    sim: str | None = None
    remarks: str | None = None
    fuel_per_100_km: float | None = None
    group_id: str | None = None
    odometer: float | None = None


class DevicesApi:
    """The methods of chapter 4. Times are UTC."""

    def __init__(self, transport: Transport, batches: Batches) -> None:
        """Initialize with the transport of the calls."""
        self._transport = transport
        self._batches = batches

    async def sub_accounts(self, account: str) -> list[str]:
        """Return the accounts directly below an account (`jimi.user.child.list`)."""
        answer = await self._transport.call("jimi.user.child.list", {"target": account})
        names = (as_text(row.get("account")) for row in rows_of(answer.result))
        return [name for name in names if name is not None]

    async def devices(self, account: str) -> list[Device]:
        """Return all devices of an account, without its sub-accounts' (4.1)."""
        answer = await self._transport.call(
            "jimi.user.device.list", {"target": account}
        )
        found = (Device.from_row(row, account) for row in rows_of(answer.result))
        return [device for device in found if device is not None]

    async def detail(self, imei: str) -> Device:
        """Return what is known of one device; the odometer in km (4.2)."""
        answer = await self._transport.call("jimi.track.device.detail", {"imei": imei})
        row = answer.result
        device = Device.from_row(row) if is_record(row) else None
        if device is None:
            raise InvalidAnswer("The answer has no device")
        return device

    async def set_expiration(
        self, imeis: Iterable[str], day: date
    ) -> list[UpdateResult]:
        """Set the day until which users may see devices (4.3)."""

        async def ask(part: Sequence[str]) -> list[UpdateResult]:
            answer = await self._transport.call(
                "jimi.user.device.expiration.update",
                {"imei_list": ",".join(part), "new_expiration": f"{day} 23:59:59"},
            )
            return [
                UpdateResult(
                    imei=as_text(row.get("imei")) or "",
                    done=as_flag(row.get("update_result")) is False,
                    message=as_text(row.get("update_msg")),
                )
                for row in rows_of(answer.result)
            ]

        return (await self._batches.each(imeis, ask)).found

    async def update(self, imei: str, changes: VehicleChanges) -> None:
        """Change a vehicle's data (4.4). The API takes the odometer in metres."""
        odometer, enabled = changes.odometer, changes.enabled
        await self._transport.call(
            "jimi.open.device.update",
            {
                "imei": imei,
                "device_name": changes.device_name,
                "vehicle_name": changes.vehicle_name,
                "vehicle_icon": changes.vehicle_icon,
                "vehicle_number": changes.vehicle_number,
                "vehicle_models": changes.vehicle_models,
                "driver_name": changes.driver_name,
                "driver_phone": changes.driver_phone,
                "device_status": None if enabled is None else int(enabled),
                "sim": changes.sim,
                "remarks": changes.remarks,
                "oilWear": changes.fuel_per_100_km,
                "deviceGroupId": changes.group_id,
                "mileage": None if odometer is None else round(odometer * 1000),
            },
        )

    async def move(
        self,
        source: str,
        target: str,
        imeis: Iterable[str],
        *,
        clear_bindings: bool | None = None,
    ) -> list[str]:
        """Move devices to another account and return the moved ones' IMEIs (4.5)."""

        async def ask(part: Sequence[str]) -> list[str]:
            answer = await self._transport.call(
                "jimi.open.device.move",
                {
                    "src_account": source,
                    "dest_account": target,
                    "imeis": ",".join(part),
                    "cleanBindFlag": None
                    if clear_bindings is None
                    else int(clear_bindings),
                },
            )
            if isinstance(answer.result, list):
                return [imei for imei in map(as_text, answer.result) if imei]
            return list(part)

        return (await self._batches.each(imeis, ask)).found

    async def bind(self, imei: str, user: str) -> None:
        """Let a user of the app see a device (4.6)."""
        await self._transport.call(
            "jimi.open.device.bind", {"imei": imei, "user_id": user}
        )

    async def unbind(self, imei: str, user: str) -> None:
        """Let a user of the app see a device no longer (4.7)."""
        await self._transport.call(
            "jimi.open.device.unbind", {"imei": imei, "user_id": user}
        )

    async def create_group(self, account: str, name: str) -> Group:
        """Create a group of devices (4.8)."""
        answer = await self._transport.call(
            "jimi.device.group.create", {"account": account, "group_name": name}
        )
        # The manual's table has it below data, its example below result.
        for row in (answer.result, answer.data):
            if is_record(row) and (group_id := as_text(row.get("group_id"))):
                return Group(id=group_id, name=as_text(row.get("group_name")) or name)
        raise InvalidAnswer("The answer has no group")

    async def rename_group(self, group_id: str, name: str) -> None:
        """Rename a group (4.9)."""
        await self._transport.call(
            "jimi.device.group.update", {"group_id": group_id, "group_name": name}
        )

    async def delete_group(self, group_id: str) -> None:
        """Delete a group (4.10)."""
        await self._transport.call("jimi.device.group.delete", {"group_id": group_id})

    async def groups(self, account: str) -> list[Group]:
        """Return the groups of an account (4.11)."""
        answer = await self._transport.call(
            "jimi.device.group.list", {"account": account}
        )
        rows = rows_of(answer.data if answer.result is None else answer.result)
        return [
            Group(id=group_id, name=as_text(row.get("group_name")) or group_id)
            for row in rows
            if (group_id := as_text(row.get("group_id")))
        ]
