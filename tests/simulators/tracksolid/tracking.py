"""Chapters 5 and 6, and the OBD methods: where devices are and were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .device import stamp
from .registry import Params, Refusal, Reply, method, whole

if TYPE_CHECKING:
    from .server import TracksolidSimulator

DAY = 86_400


@method("jimi.user.device.location.list", "target", optional=("map_type",))
def location_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.1: devices without a position are left out."""
    rows = [
        device.location_row(sim.now)
        for device in sim.of_account(params["target"])
        if device.located
    ]
    return Reply(rows)


@method("jimi.device.location.get", "imeis", optional=("map_type",))
def location_get(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.2: the same for some devices, without their model."""
    rows = []
    for device in sim.batch(params):
        if device.located:
            row = device.location_row(sim.now)
            del row["mcType"]
            rows.append(row)
    return Reply(rows)


@method("jimi.device.location.URL.share", "imei")
def location_share(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.3."""
    imei = sim.device(params["imei"]).imei
    return Reply({"URL": f"data.16180track.com/api/share?ver=2&deviceinfo={imei[-4:]}"})


def _first_row(sim: TracksolidSimulator, params: Params) -> int:
    """Return the row that is asked for, which some servers do not look at."""
    row = whole(params, "start_row", 0, 1_000_000, 0)
    return row if sim.has_pages else 0


@method(
    "jimi.device.track.mileage",
    "imeis",
    "begin_time",
    "end_time",
    optional=("start_row", "page_size"),
)
def track_mileage(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.4: at most 100 rows an answer, and nothing for more than 18 months."""
    begin, end = sim.period(params, "begin_time", "end_time")
    if end - begin > 550 * DAY:
        return Reply()
    first = _first_row(sim, params)
    size = min(sim.trip_rows, whole(params, "page_size", 1, 10_000, sim.trip_rows))
    found = sim.batch(params)
    drives = [
        (device, *drive) for device in found for drive in device.trips(begin, end)
    ]
    rows = [device.trip_row(*drive) for device, *drive in drives[first : first + size]]
    totals = [
        {"imei": device.imei, "totalMileage": device.vehicle.distance(begin, end)}
        for device in found
    ]
    return Reply(rows, totals)


@method(
    "jimi.device.track.list", "imei", "begin_time", "end_time", optional=("map_type",)
)
def track_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.5: one device, 7 days, within three months."""
    begin, end = sim.period(params, "begin_time", "end_time")
    device = sim.device(params["imei"])
    if device.expired:
        raise Refusal(1100, f"The device has expired{{{device.imei}}}")
    if end - begin > 7 * DAY or begin < sim.now - 92 * DAY:
        raise Refusal(1001, "Parameter error: not more than 7 days, within 3 months")
    metres = device.vehicle.distance(begin, end)
    return Reply(device.track_rows(begin, end), {"mileage": round(metres / 1000, 2)})


@method("jimi.lbs.address.get", "imei", optional=("lbs", "wifi"))
def lbs_address(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.6: 10 times a day and device."""
    device = sim.device(params["imei"])
    if not {"lbs", "wifi"} & params.keys():
        raise Refusal(1001, "Parameter error: lbs, wifi")
    key = device.imei, stamp(sim.now)[:10]
    sim.lbs_calls[key] += 1
    if sim.lbs_calls[key] > 10:
        raise Refusal(1006, "The request frequency exceeds 10 times per day")
    place = device.vehicle.at(sim.now).place
    return Reply({"lat": place.latitude, "lng": place.longitude, "accuracy": 550})


@method(
    "jimi.open.platform.report.parking",
    "account",
    "imeis",
    "start_time",
    "end_time",
    "start_row",
    "page_size",
    optional=("acc_type",),
)
def report_parking(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.7: times in ISO 8601, rows below data; no rows without acc_type."""
    begin, end = sim.period(params, "start_time", "end_time")
    sim.check_account(params["account"])
    rows: list[dict[str, object]] = []
    kind = params.get("acc_type")
    if kind is not None:
        if kind not in {*sim.parking_codes, "on"}:
            raise Refusal(1100, "Business exception")
        for device in sim.batch(params):
            for start, until in device.stops(begin, end, ignition=kind == "on"):
                seconds = str(int(until - start))
                place = device.vehicle.at(start).place
                rows.append(
                    {
                        "imei": device.imei,
                        "startTime": stamp(start).replace(" ", "T") + ".000Z",
                        "endTime": stamp(until).replace(" ", "T") + ".000Z",
                        "durSecond": seconds,
                        "lng": place.longitude,
                        "lat": place.latitude,
                        "addr": "Canal Street",
                        "deviceName": device.name,
                        "mcType": device.model,
                        "acc": kind,
                        "stopSecond": None,
                    }
                )
    first = _first_row(sim, params)
    size = whole(params, "page_size", 1, 1000, 10)
    data = {
        "totalTime": "12",
        "dataTotalRows": str(len(rows)),
        "rows": rows[first : first + size],
    }
    return Reply(data=data)


@method("jimi.device.location.getTagMsg", "imei")
def tag_location(sim: TracksolidSimulator, params: Params) -> Reply:
    """5.8: times in UNIX seconds."""
    device = sim.device(params["imei"])
    if not device.tag:
        raise Refusal(1100, "Business exception")
    state, heard = device.report(sim.now)
    row = {
        "lng": state.place.longitude,
        "lat": state.place.latitude,
        "gpsTime": int(heard),
        "directions": "0",
        "gpsSpeed": -1.0,
        "positionType": "5",
        "gpsNum": 3,
    }
    return Reply([row])


@method(
    "jimi.device.alarm.list",
    optional=(
        "imei",
        "imeis",
        "alertTypeId",
        "begin_time",
        "end_time",
        "page_no",
        "page_size",
    ),
)
def alarm_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """6.1: a month, 1000 rows, pages of up to 100; the last 50 without a period.

    A server without pages of alarms takes a size of up to 1000, as the document says.
    """
    if sim.refuses_alarm_pages and "page_no" in params:
        raise Refusal(1001, "Parameter error: page_no")
    if ("imei" in params) == ("imeis" in params):
        raise Refusal(1001, "Parameter error: imei, imeis")
    found = [sim.device(params["imei"])] if "imei" in params else sim.batch(params)
    paged = sim.has_pages and not sim.refuses_alarm_pages
    page = whole(params, "page_no", 1, 100_000, 1) if paged else 1
    size = whole(params, "page_size", 1, 100 if paged else sim.most_alarms, 50)
    if "begin_time" in params and "end_time" in params:
        begin, end = sim.period(params, "begin_time", "end_time")
        if end - begin > 31 * DAY:
            raise Refusal(1001, "Parameter error: time range within 1 month")
        most = 1000
    else:
        begin, end, most = sim.now - 31 * DAY, sim.now, 50
    code = params.get("alertTypeId")
    asked = (begin, end, code, *((d.imei, len(d.alarms)) for d in found))
    if sim.alarm_pages is None or sim.alarm_pages[0] != asked:
        rows = [
            row
            for device in found
            for row in device.alarm_rows(begin, end)
            if code in (None, row["alertTypeId"])
        ]
        rows.sort(key=lambda row: str(row["alertTime"]), reverse=True)
        sim.alarm_pages = asked, rows
    rows = sim.alarm_pages[1]
    return Reply(rows[:most][(page - 1) * size : page * size])


def _obd_page(
    sim: TracksolidSimulator, params: Params, rows: list[dict[str, object]]
) -> Reply:
    page = whole(params, "page_no", 1, 100_000, 1) if sim.has_pages else 1
    size = whole(params, "page_size", 1, 100, 10)
    return Reply(
        data={
            "currentPage": page,
            "pageSize": size,
            "startRow": 0,
            "endRow": 0,
            "totalRecord": len(rows),
            "totalPage": 0,
            "result": rows[(page - 1) * size : page * size],
        }
    )


OBD_PARAMETERS = (
    "account",
    "imeis",
    "start_time",
    "end_time",
    "page_no",
    "page_size",
)


@method("jimi.device.obd.list", *OBD_PARAMETERS)
def obd_list(sim: TracksolidSimulator, params: Params) -> Reply:
    """Return OBD data: 31 days, 100 devices, pages of up to 100, all values strings."""
    begin, end = _obd_period(sim, params)
    rows = [row for d in sim.batch(params) for row in d.obd_rows(begin, end)]
    return _obd_page(sim, params, rows)


@method("jimi.device.obd.fault", *OBD_PARAMETERS)
def obd_fault(sim: TracksolidSimulator, params: Params) -> Reply:
    """Return faults, with the limits of the OBD data."""
    begin, end = _obd_period(sim, params)
    rows = [row for d in sim.batch(params) for row in d.fault_rows(begin, end)]
    return _obd_page(sim, params, rows)


def _obd_period(sim: TracksolidSimulator, params: Params) -> tuple[float, float]:
    sim.check_account(params["account"])
    begin, end = sim.period(params, "start_time", "end_time")
    if end - begin > 31 * DAY:
        raise Refusal(1001, "Parameter error: up to 31 days")
    return begin, end
