"""Chapter 9: geofences, in the device and on the platform."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .registry import Params, Refusal, Reply, decimal, method, one_of, whole

if TYPE_CHECKING:
    from .server import TracksolidSimulator

ALERTS = {"in", "out", "stayTimeIn", "stayTimeOut"}
MOST_FENCES = 5


@method(
    "jimi.open.device.fence.create",
    "imei",
    "fence_name",
    "alarm_type",
    "report_mode",
    "alarm_switch",
    "lng",
    "lat",
    "radius",
    "zoom_level",
    "map_type",
)
def device_fence_create(sim: TracksolidSimulator, params: Params) -> Reply:
    """9.1: the radius in units of 100 m; only while the device is online."""
    device = sim.device(params["imei"])
    one_of(params, "alarm_type", "in", "out", "in,out")
    one_of(params, "report_mode", "0", "1")
    one_of(params, "alarm_switch", "ON", "OFF")
    one_of(params, "map_type", "GOOGLE")
    decimal(params, "lat", 90)
    decimal(params, "lng", 180)
    whole(params, "radius", 1, 9999, 1)
    whole(params, "zoom_level", 3, 19, 3)
    if not device.online:
        raise Refusal(41003, "Device is not online, geo-fence creation failed")
    if len(device.fences) >= MOST_FENCES:
        raise Refusal(41001, "The number of geo-fences exceeds the maximum")
    if any(f["fence_name"] == params["fence_name"] for f in device.fences.values()):
        raise Refusal(41002, "The name of the geo-fence already exists")
    number = str(len(device.fences) + 1)
    device.fences[number] = params
    return Reply(number, message="Successfully create geo-fence.")


@method("jimi.open.device.fence.delete", "imei", "instruct_no")
def device_fence_delete(sim: TracksolidSimulator, params: Params) -> Reply:
    """9.2."""
    device = sim.device(params["imei"])
    if not device.online:
        raise Refusal(41003, "The device is not online and geo-fence can’t be deleted")
    if device.fences.pop(params["instruct_no"], None) is None:
        raise Refusal(41004, "The operation of the geo-fence failed")
    return Reply(message="delete the geo-fence successfully")


@method(
    "jimi.open.platform.fence.create",
    "account",
    "fence_name",
    "fence_type",
    "geom",
    optional=("fence_color", "radius", "description", "fence_id"),
)
def platform_fence_create(sim: TracksolidSimulator, params: Params) -> Reply:
    """9.3: points as lat,lng joined by #; a circle has a radius of 200-5000 m."""
    sim.check_account(params["account"])
    kind = one_of(params, "fence_type", "circle", "polygon")
    points = params["geom"].split("#")
    for point in points:
        parts = point.split(",")
        if len(parts) != 2:
            raise Refusal(1001, "Parameter error: geom")
        decimal(dict(zip(("lat", "lng"), parts, strict=True)), "lat", 90)
        decimal(dict(zip(("lat", "lng"), parts, strict=True)), "lng", 180)
    if (kind == "circle") != (len(points) == 1) or len(points) == 2:
        raise Refusal(1001, "Parameter error: geom")
    whole(params, "radius", 200, 5000, 200)
    name = params["fence_name"]
    if any(fence["fence_name"] == name for fence in sim.platform_fences.values()):
        raise Refusal(1114, "That name already exists")
    fence_id = params.get("fence_id", f"c33b80d46d2b{len(sim.platform_fences)}")
    sim.platform_fences[fence_id] = params
    return Reply(data=fence_id)


@method("jimi.open.platform.fence.delete", "account", "fence_id")
def platform_fence_delete(sim: TracksolidSimulator, params: Params) -> Reply:
    """9.4."""
    sim.check_account(params["account"])
    if sim.platform_fences.pop(params["fence_id"], None) is None:
        raise Refusal(-1, "The system is busy")
    return Reply()


@method(
    "jimi.open.platform.fence.bind",
    "fence_id",
    optional=("imeis", "alert_type", "stay_time_in", "stay_time_out"),
)
def platform_fence_bind(sim: TracksolidSimulator, params: Params) -> Reply:
    """9.5: a stay time, in days, needs its alert."""
    if params["fence_id"] not in sim.platform_fences:
        raise Refusal(1100, "Business exception")
    alerts = set(params.get("alert_type", "in").split(","))
    if alerts - ALERTS:
        raise Refusal(1001, "Parameter error: alert_type")
    for name, alert in (
        ("stay_time_in", "stayTimeIn"),
        ("stay_time_out", "stayTimeOut"),
    ):
        if name in params:
            whole(params, name, 1, 365, 1)
        if (name in params) != (alert in alerts):
            raise Refusal(1001, f"Parameter error: {name}")
    bound = sim.batch(params) if "imeis" in params else []
    sim.bindings[params["fence_id"]] = {device.imei for device in bound}
    return Reply(data=str(len(bound)))
