"""Chapter 4: the devices of an account, and the account itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import Params, Refusal, Reply, method, one_of

if TYPE_CHECKING:
    from .server import TracksolidSimulator


@method("jimi.user.child.list", "target")
def child_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """Return the accounts directly below an account (the manual)."""
    target = sim.check_account(params["target"])
    return Reply(
        [
            {
                "account": account,
                "name": account,
                "type": 9,
                "displayFlag": 1,
                "enabledFlag": 1,
                "companyName": None,
            }
            for account in sim.children.get(target, [])
        ]
    )


@method("jimi.user.device.list", "target")
def device_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.1: without paging, and without the sub-accounts' devices."""
    return Reply([device.list_row() for device in sim.of_account(params["target"])])


@method("jimi.track.device.detail", "imei")
def device_detail(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.2."""
    return Reply(sim.device(params["imei"]).detail(sim.now))


@method("jimi.user.device.expiration.update", "imei_list", "new_expiration")
def expiration_update(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.3: an answer for each device."""
    rows = []
    for imei in params["imei_list"].split(","):
        device = sim.devices.get(imei)
        if device is not None:
            device.expiration = params["new_expiration"]
        rows.append(
            {
                "imei": imei,
                "update_result": "1" if device is None else "0",
                "update_msg": "update failed, reason:illegal device"
                if device is None
                else "update success",
            }
        )
    return Reply(rows)


@method(
    "jimi.open.device.update",
    "imei",
    optional=(
        "device_name",
        "vehicle_name",
        "vehicle_icon",
        "vehicle_number",
        "vehicle_models",
        "driver_name",
        "driver_phone",
        "device_status",
        "sim",
        "remarks",
        "oilWear",
        "deviceGroupId",
        "mileage",
    ),
)
def device_update(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.4: the mileage is in metres."""
    device = sim.device(params["imei"])
    device.name = params.get("device_name", device.name)
    device.plate = params.get("vehicle_number", device.plate)
    device.driver = params.get("driver_name", device.driver)
    device.sim = params.get("sim", device.sim)
    if "mileage" in params:
        device.fields["currentMileage"] = str(float(params["mileage"]) / 1000)
    return Reply(message="Vehicle information modification successful")


@method(
    "jimi.open.device.move",
    "src_account",
    "dest_account",
    "imeis",
    optional=("cleanBindFlag",),
)
def device_move(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.5: an already moved device is refused with the list of such."""
    sim.check_account(params["src_account"])
    target = sim.check_account(params["dest_account"])
    if "cleanBindFlag" in params:
        one_of(params, "cleanBindFlag", "0", "1")
    moved = sim.batch(params)
    if there := [device.imei for device in moved if device.account == target]:
        raise Refusal(1112, "device already exists", there)
    for device in moved:
        device.account = target
    return Reply([device.imei for device in moved])


@method("jimi.open.device.bind", "imei", "user_id")
def device_bind(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.6."""
    users = sim.app_users.setdefault(sim.device(params["imei"]).imei, set())
    if users:
        raise Refusal(10, "The device has been bound to a user")
    users.add(params["user_id"])
    return Reply()


@method("jimi.open.device.unbind", "imei", "user_id")
def device_unbind(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.7."""
    users = sim.app_users.get(sim.device(params["imei"]).imei, set())
    if params["user_id"] not in users:
        raise Refusal(1002, "User or device is incorrect")
    users.remove(params["user_id"])
    return Reply()


@method("jimi.device.group.create", "account", "group_name")
def group_create(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.8."""
    sim.check_account(params["account"])
    group = f"group{len(sim.groups)}"
    sim.groups[group] = params["group_name"]
    return Reply({"group_id": group, "group_name": params["group_name"]})


@method("jimi.device.group.update", "group_id", "group_name")
def group_update(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.9."""
    if params["group_id"] not in sim.groups:
        raise Refusal(1100, "Business exception")
    sim.groups[params["group_id"]] = params["group_name"]
    return Reply()


@method("jimi.device.group.delete", "group_id")
def group_delete(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.10."""
    if sim.groups.pop(params["group_id"], None) is None:
        raise Refusal(1100, "Business exception")
    return Reply()


@method("jimi.device.group.list", "account")
def group_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """4.11."""
    sim.check_account(params["account"])
    return Reply([{"group_id": i, "group_name": n} for i, n in sim.groups.items()])
