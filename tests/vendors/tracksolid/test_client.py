"""Every method of chapters 4 to 9: what is sent, what comes of it, paging and limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from io import BytesIO

from PIL import Image
import pytest

from custom_components.fleet_tracker.contract.errors import (
    CommandFailed,
    InvalidAnswer,
    InvalidArgument,
    RateLimited,
    VehicleOffline,
    VehicleUnavailable,
)
from custom_components.fleet_tracker.model.vehicle import FixKind
from custom_components.fleet_tracker.vendors.tracksolid.api.client import (
    TracksolidClient,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.devices import (
    VehicleChanges,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.errors import (
    BusinessError,
    CommandPending,
    NotReady,
    ParameterRefused,
    TooManyVehicles,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.fences import FenceAlert
from custom_components.fleet_tracker.vendors.tracksolid.api.media import (
    MediaKind,
    StreamKind,
    new_session,
)
from custom_components.fleet_tracker.vendors.tracksolid.api.records import (
    Instruction,
    Location,
)
from custom_components.fleet_tracker.vendors.tracksolid.catalog import (
    INSTRUCTIONS,
    METHODS,
    Use,
)
from tests.simulators import world
from tests.simulators.tracksolid import (
    METHODS as SIMULATED,
    Device,
    TracksolidSimulator,
)
from tests.simulators.tracksolid.hub import FIELDS
from tests.simulators.tracksolid.media import shoot
from tests.simulators.tracksolid.registry import Method, Reply
from tests.vendors.fake_host import START, FakeHost

from .helpers import CAM, CAR, VAN

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def many(sim: TracksolidSimulator, count: int, account: str = "fleet") -> list[str]:
    """Add parked cars and return their IMEIs."""
    imeis = [f"8611{number:011}" for number in range(count)]
    place = world.HOME
    for imei in imeis:
        vehicle = world.parked(place, START.timestamp() - 1000)
        sim.add(Device(imei, f"Car {imei[-3:]}", vehicle, account=account))
    return imeis


# --- 4: devices -----------------------------------------------------------------------------


async def test_devices(client: TracksolidClient) -> None:
    """4.1."""
    devices = {device.imei: device for device in await client.devices.devices("fleet")}
    assert devices.keys() == {VAN, CAR, CAM}
    van = devices[VAN]
    assert (van.name, van.model, van.driver, van.plate) == (
        "Van",
        "VL802",
        "Robin",
        "FT-001",
    )
    assert van.account == "fleet"
    assert van.expires_at == datetime(2037, 4, 1, 23, 59, 59, tzinfo=UTC)
    assert devices[CAM].vin == "LC0CG4CF1H0029191"


async def test_devices_of_an_unknown_account(client: TracksolidClient) -> None:
    """1002 for an account that is not ours."""
    with pytest.raises(VehicleUnavailable):
        await client.devices.devices("somebody")


async def test_device_detail(client: TracksolidClient) -> None:
    """4.2: the odometer in km."""
    detail = await client.devices.detail(VAN)
    assert detail.odometer is not None
    assert 51_000 < detail.odometer < 53_000
    assert detail.group == "Default group"
    assert detail.iccid is not None


async def test_detail_without_a_device(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """An empty answer is none."""
    sim.fail("jimi.track.device.detail", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.devices.detail(VAN)


async def test_sub_accounts(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """The accounts directly below."""
    sim.children["fleet"] = ["north", "south"]
    assert await client.devices.sub_accounts("fleet") == ["north", "south"]


async def test_set_expiration(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """4.3: an answer for each device, refused ones among them."""
    results = await client.devices.set_expiration([VAN, "1"], date(2030, 1, 31))
    assert [(result.imei, result.done) for result in results] == [
        (VAN, True),
        ("1", False),
    ]
    assert sim.devices[VAN].expiration == "2030-01-31 23:59:59"


async def test_update(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """4.4: the odometer is sent in metres; what is None stays."""
    await client.devices.update(
        VAN,
        VehicleChanges(
            device_name="Blue van", driver_name="Kim", odometer=12.5, enabled=True
        ),
    )
    device = sim.devices[VAN]
    assert (device.name, device.driver, device.plate) == ("Blue van", "Kim", "FT-001")
    sent = sim.calls[-1][1]
    assert sent["mileage"] == "12500"
    assert sent["device_status"] == "1"
    assert "sim" not in sent


async def test_move(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """4.5: the moved devices' IMEIs; what is there already is refused."""
    sim.children["fleet"] = ["north"]
    moved = await client.devices.move("fleet", "north", [VAN], clear_bindings=True)
    assert moved == [VAN]
    assert sim.devices[VAN].account == "north"
    with pytest.raises(Exception, match="1112") as caught:
        await client.devices.move("fleet", "north", [VAN])
    assert getattr(caught.value, "translation_key", "") == "tracksolid_already_there"
    sim.fail("jimi.open.device.move", 0, "Transfer/Sell Equipment Successfully")
    assert await client.devices.move("fleet", "north", [CAR]) == [CAR]


async def test_bind_and_unbind(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """4.6 and 4.7."""
    await client.devices.bind(VAN, "robin")
    assert sim.app_users[VAN] == {"robin"}
    with pytest.raises(Exception, match="10") as caught:
        await client.devices.bind(VAN, "kim")
    assert getattr(caught.value, "translation_key", "") == "tracksolid_already_bound"
    await client.devices.unbind(VAN, "robin")
    assert not sim.app_users[VAN]


async def test_groups(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """4.8 to 4.11."""
    group = await client.devices.create_group("fleet", "Vans")
    await client.devices.rename_group(group.id, "Blue vans")
    names = {found.name for found in await client.devices.groups("fleet")}
    assert names == {"Default", "Blue vans"}
    await client.devices.delete_group(group.id)
    assert len(await client.devices.groups("fleet")) == 1
    with pytest.raises(BusinessError):
        await client.devices.delete_group(group.id)
    sim.fail("jimi.device.group.create", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.devices.create_group("fleet", "Vans")


# --- 5: positions ---------------------------------------------------------------------------


async def test_locations(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """5.1: numbers come as strings, and who has no position is not there."""
    sim.devices[CAR].located = False
    rows = await client.tracking.location_rows("fleet")
    locations = {one.imei: one for row in rows if (one := Location.from_row(row))}
    assert locations.keys() == {VAN, CAM}
    van = locations[VAN]
    assert van.online is True
    assert van.ignition is False
    assert van.latitude == pytest.approx(world.HOME.latitude, abs=1e-5)
    assert van.battery == 86
    assert van.battery_voltage == 4.14
    assert van.external_voltage == 12.6
    assert van.signal_level == 4
    assert van.kind is FixKind.SATELLITE
    assert van.fixed_at == START
    assert locations[CAM].fuel == (212.5, "L")
    assert all("map_type" not in call for _, call in sim.calls)


async def test_locations_of_some(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """5.2: a hundred a call; one that is refused does not blind the others."""
    imeis = many(sim, 150)
    batch = await client.tracking.location_rows_of([*imeis, "1"])
    assert len(batch.found) == 150
    assert batch.refused.keys() == {"1"}
    sizes = [
        params["imeis"].count(",") + 1
        for name, params in sim.calls
        if name == "jimi.device.location.get"
    ]
    assert max(sizes) == 100
    # the second batch of 51 is halved until the stranger is alone
    assert len(sizes) <= 2 + 2 * 6


async def test_batch_limit_is_learned(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """An error that names the number lowers the batches, and that is remembered."""
    imeis = many(sim, 120)
    sim.batch_limit = 50
    assert len((await client.tracking.location_rows_of(imeis)).found) == 120
    assert sim.requests["jimi.device.location.get"] == 1 + 3
    assert client.batches.limit == 50
    await client.tracking.location_rows_of(imeis)
    assert sim.requests["jimi.device.location.get"] == 1 + 3 + 3


async def test_batch_limit_that_is_not_named(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """Without a number in the error the batches are halved; one alone is told."""
    imeis = many(sim, 60)
    sim.fail("jimi.device.location.get", 220, "The number of IMEI exceeds the limit")
    assert len((await client.tracking.location_rows_of(imeis)).found) == 60
    assert client.batches.limit == 30
    sim.fail("jimi.device.location.get", 220, "The number of IMEI exceeds the limit")
    with pytest.raises(TooManyVehicles):
        await client.tracking.location_rows_of([VAN])


async def test_share_link(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """5.3: the link comes without a scheme."""
    link = await client.tracking.share_link(VAN)
    assert link.startswith("https://data.16180track.com/")
    sim.fail("jimi.device.location.URL.share", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.tracking.share_link(VAN)


async def test_track(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """5.5: a day at a time, each point once, in order."""
    begin, end = START - timedelta(minutes=10), START
    points = await client.tracking.track(VAN, begin, end)
    assert len(points) > 20
    assert points == sorted(points, key=lambda point: point.fixed_at)
    assert {point.ignition for point in points} == {True, False}
    assert max(point.speed or 0 for point in points) > 40
    long = await client.tracking.track(CAR, START - 10 * DAY, START)
    assert len(long) == 1
    assert sim.requests["jimi.device.track.list"] == 1 + 10


async def test_track_may_be_slow(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """One production waited 137 s: nothing else waits for it."""
    gate = sim.hold("jimi.device.track.list")
    waiting = asyncio.create_task(client.tracking.track(VAN, START - HOUR, START))
    await gate.waiting.wait()
    assert await client.tracking.location_rows("fleet")
    gate.open()
    assert await waiting


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (START, START),
        (START, START - HOUR),
        (START + HOUR, START + 2 * HOUR),
        (START - 91 * DAY, START - 90 * DAY),
    ],
)
async def test_track_of_an_impossible_period(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    begin: datetime,
    end: datetime,
) -> None:
    """Nothing is asked for that cannot be had."""
    with pytest.raises(InvalidArgument) as caught:
        await client.tracking.track(VAN, begin, end)
    assert caught.value.translation_key == "tracksolid_time_range"
    assert not sim.calls


async def test_resolve_ten_times_a_day(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """5.6: counted by us, so that the eleventh is not even asked."""
    for _ in range(10):
        place = await client.tracking.resolve(VAN, cells="204,8,1,2,-70")
    assert place.accuracy == 550
    with pytest.raises(RateLimited) as caught:
        await client.tracking.resolve(VAN, wifi="aabbcc,-60")
    assert caught.value.translation_key == "tracksolid_lbs_quota"
    assert sim.requests["jimi.lbs.address.get"] == 10
    assert (await client.tracking.resolve(CAR, cells="204,8,1,2,-70")).latitude
    host.advance(86_400)
    await client.tracking.resolve(VAN, cells="204,8,1,2,-70")
    sim.fail("jimi.lbs.address.get", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.tracking.resolve(VAN, cells="204,8,1,2,-70")


async def test_tag_location(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """5.8: UNIX seconds, and speed -1 for unknown."""
    with pytest.raises(BusinessError):
        await client.tracking.tag_location(CAR)
    sim.devices[CAR].tag = True
    tag = await client.tracking.tag_location(CAR)
    assert tag is not None
    assert tag.kind is FixKind.BEACON
    assert tag.speed is None
    assert tag.fixed_at == START
    sim.fail("jimi.device.location.getTagMsg", 0, "success")
    assert await client.tracking.tag_location(CAR) is None


# --- 5.4, 5.7, 6: reports -------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["m", "km"])
async def test_trips(
    client: TracksolidClient, sim: TracksolidSimulator, unit: str
) -> None:
    """5.4: in whatever unit the distance comes, kilometres are what we get."""
    sim.devices[VAN].distance_unit = unit
    batch = await client.reports.trips([VAN, CAR], START - HOUR, START)
    trips = batch.found
    assert 35 <= len(trips) <= 40
    for trip in trips:
        assert trip.imei == VAN
        assert trip.distance == pytest.approx(0.9, abs=0.2)
        assert trip.duration == (trip.ended_at - trip.started_at).total_seconds()
        assert trip.top_speed is not None and 45 < trip.top_speed < 55
        assert trip.idle_time == 5


async def test_trips_in_pages(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """A day full of errands is more than the hundred rows of an answer."""
    sim.devices[VAN].since = 0
    trips = (await client.reports.trips([VAN], START - DAY, START)).found
    assert len(trips) > 400
    assert len({trip.started_at for trip in trips}) == len(trips)
    assert sim.requests["jimi.device.track.mileage"] == len(trips) // 100 + 1


@pytest.mark.parametrize("imeis", [[VAN], [VAN, CAR, CAM]])
async def test_trips_of_a_server_without_pages(
    client: TracksolidClient, sim: TracksolidSimulator, imeis: list[str]
) -> None:
    """Where there is no second page, less is asked for, until all is there."""
    sim.devices[VAN].since = 0
    expected = (await client.reports.trips([VAN], START - DAY, START)).found
    sim.requests.clear()
    sim.has_pages = False
    trips = (await client.reports.trips(imeis, START - DAY, START)).found
    # Only drives across one of the borders are told in another way.
    missing = {trip.started_at for trip in expected} - {t.started_at for t in trips}
    assert len(missing) <= 8
    assert len({trip.started_at for trip in trips}) == len(trips)
    assert sim.requests["jimi.device.track.mileage"] < 60


async def test_reports_of_a_server_without_pages(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """The same rows again are the end of a report, not its second page."""
    sim.devices[VAN].since = 0
    sim.has_pages = False
    stops = await client.reports.stops("fleet", [VAN], START - DAY, START)
    assert len(stops.found) == 100
    reports = await client.reports.obd("fleet", [CAM], START - 3 * HOUR, START)
    assert len(reports.found) == 100


@pytest.mark.parametrize("codes", [("on", "off"), ("0", "1")])
async def test_stops(
    client: TracksolidClient, sim: TracksolidSimulator, codes: tuple[str, str]
) -> None:
    """5.7: asked as the manual says, and as the document says where that is refused."""
    sim.parking_codes = codes
    for _ in range(2):
        batch = await client.reports.stops("fleet", [VAN], START - HOUR, START)
        assert 35 <= len(batch.found) <= 40
        assert all(not stop.idling for stop in batch.found)
        assert batch.found[0].duration is not None
        assert batch.found[0].address == "Canal Street"
    # the refused spelling is not tried again
    refusals = 0 if codes[0] == "on" else 1
    assert sim.requests["jimi.open.platform.report.parking"] == 2 + refusals


async def test_idling(client: TracksolidClient) -> None:
    """5.7, with the ignition on."""
    batch = await client.reports.stops("fleet", [VAN], START - HOUR, START, idling=True)
    assert batch.found
    assert all(stop.idling and stop.duration == 5 for stop in batch.found)


async def test_stops_in_pages(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """Pages go on by rows until all of them are there."""
    sim.devices[VAN].since = 0
    batch = await client.reports.stops("fleet", [VAN], START - DAY, START)
    assert len(batch.found) > 400
    assert sim.requests["jimi.open.platform.report.parking"] >= 5


async def test_alarms(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """6.1: the real names of the fields, the oldest first."""
    batch = await client.reports.alarms([VAN, CAR], START - HOUR, START)
    codes = {alarm.code for alarm in batch.found}
    assert {"1001", "1002", "28", "29", "3", "48", "overSpeed"} <= codes
    assert batch.found == sorted(batch.found, key=lambda alarm: alarm.occurred_at)
    vibration = next(alarm for alarm in batch.found if alarm.code == "3")
    assert vibration.name == "Vibration alert"
    only = await client.reports.alarms([VAN], START - HOUR, START, code="3")
    assert {alarm.code for alarm in only.found} == {"3"}
    assert all(
        int(params["page_size"]) <= 100
        for name, params in sim.calls
        if name == "jimi.device.alarm.list"
    )


async def test_more_alarms_than_a_call_answers(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """A period with more than a thousand alarms is gone through to its beginning."""
    sim.devices[VAN].since = 0
    alarms = (await client.reports.alarms([VAN], START - DAY, START)).found
    assert len(alarms) > 3000
    assert len(set(alarms)) == len(alarms)
    assert alarms[0].occurred_at < START - timedelta(hours=23, minutes=50)


@pytest.mark.parametrize(
    ("refused", "most", "first", "later"),
    [
        (True, 1000, 5, 4),  # the page is refused
        (False, 1000, 6, 4),  # it is not looked at, so that the second is the first
        (False, 100, 34, 31),  # and no more than a hundred come at once
    ],
)
async def test_alarms_of_a_server_without_pages(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    refused: bool,
    most: int,
    first: int,
    later: int,
) -> None:
    """The document knows no `page_no`: what it costs is counted, and learned once (6.1)."""
    sim.has_pages, sim.refuses_alarm_pages, sim.most_alarms = False, refused, most
    (imei,) = many(sim, 1)
    car = sim.devices[imei]
    car.alarms += [
        car.alarm(str(number), "Alert", sim.now - 20 * number)
        for number in range(1, 3001)
    ]
    for calls in (first, later):
        before = sim.requests["jimi.device.alarm.list"]
        found = (await client.reports.alarms([imei], START - DAY, START)).found
        assert [alarm.code for alarm in found] == [
            str(number) for number in range(3000, 0, -1)
        ]
        assert sim.requests["jimi.device.alarm.list"] - before == calls


async def test_alarms_where_nothing_is_taken(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """What is refused in every spelling is refused as it was first, and tried anew."""
    sim.fail("jimi.device.alarm.list", 1001, "Parameter error: imeis", times=3)
    with pytest.raises(ParameterRefused):
        await client.reports.alarms([VAN], START - HOUR, START)
    assert (await client.reports.alarms([VAN], START - HOUR, START)).found
    assert "page_no" in sim.calls[-1][1]


async def test_alarms_of_a_server_that_has_pages_now(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """What was learned of a server is forgotten once the server refuses it."""
    sim.refuses_alarm_pages = True
    await client.reports.alarms([VAN], START - HOUR, START)
    sim.refuses_alarm_pages = False
    with pytest.raises(ParameterRefused):
        await client.reports.alarms([VAN], START - HOUR, START)
    assert (await client.reports.alarms([VAN], START - HOUR, START)).found


async def test_alarms_that_cannot_be_read_are_no_end(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """One without a type among a thousand does not hide those before them."""
    sim.devices[VAN].since = 0
    sim.devices[VAN].alarms.append(sim.devices[VAN].alarm("", "", sim.now - 60))
    alarms = (await client.reports.alarms([VAN], START - DAY, START)).found
    assert alarms[0].occurred_at < START - timedelta(hours=23, minutes=50)


async def test_alarms_of_two_months(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """Periods of more than a month are asked for in parts."""
    await client.reports.alarms([CAR], START - 60 * DAY, START)
    assert sim.requests["jimi.device.alarm.list"] == 2


async def test_obd(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """The manual's OBD list: strings, pages, below data."""
    batch = await client.reports.obd("fleet", [CAM, VAN], START - 3 * HOUR, START)
    assert len(batch.found) == 180
    report = batch.found[-1]
    assert report.imei == CAM
    assert report.voltage == 13.8
    assert report.fuel_level == 58
    assert report.fuel is None
    assert report.coolant_temperature == 77
    assert report.vin == "LC0CG4CF1H0029191"
    assert report.odometer is not None and report.odometer > 300_000
    assert sim.requests["jimi.device.obd.list"] == 2


async def test_obd_faults(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """The manual's fault list."""
    sim.devices[CAM].faults.append(("P0301", "Misfire", START.timestamp() - 60))
    batch = await client.reports.faults("fleet", [CAM], START - HOUR, START)
    assert [(fault.code, fault.detail) for fault in batch.found] == [
        ("P0301", "Misfire")
    ]


# --- 7: media -------------------------------------------------------------------------------


async def test_live_page(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """7.1."""
    page = await client.media.live_page(CAM, recorded=True, voice=False)
    assert page.url.startswith(sim.root)
    assert sim.calls[-1][1]["type"] == "2"
    sim.fail("jimi.device.live.page.url", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.media.live_page(CAM)


@pytest.mark.parametrize("words", [False, True])
async def test_photo(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    host: FakeHost,
    words: bool,
) -> None:
    """7.2 and 7.4: a photo is commanded, and is there a little later, a real one."""
    sim.media_words = words
    await client.media.capture(CAM, 1)
    assert not await client.media.files(CAM, kind=MediaKind.PHOTO)
    host.advance(4)
    (photo,) = await client.media.files(CAM, kind=MediaKind.PHOTO, camera=1)
    assert photo.is_photo
    assert photo.camera == 0
    assert photo.created_at == START + timedelta(seconds=3)
    assert photo.size is not None and photo.size > 500
    async with host.session.get(photo.url) as answer:
        content = await answer.read()
    assert len(content) == photo.size
    with Image.open(BytesIO(content)) as image:
        assert image.format == "JPEG"
    assert not await client.media.files(CAM, kind=MediaKind.VIDEO)
    refusals = [c for n, c in sim.calls if n == "jimi.device.meida.cmd.send"]
    assert len(refusals) == (2 if words else 1)


async def test_video(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """7.2 with a video of some seconds: an MP4."""
    await client.media.capture(CAM, 2, MediaKind.VIDEO, seconds=3)
    host.advance(4)
    (video,) = await client.media.files(
        CAM, begin=START - HOUR, end=START + HOUR, camera=2
    )
    assert not video.is_photo
    async with host.session.get(video.url) as answer:
        content = await answer.read()
    assert content[4:8] == b"ftyp"
    assert b"moov" in content


@pytest.mark.parametrize(
    ("camera", "kind", "seconds"),
    [
        (0, MediaKind.PHOTO, None),
        (4, MediaKind.PHOTO, None),
        (1, MediaKind.VIDEO, None),
        (1, MediaKind.VIDEO, 2),
        (1, MediaKind.VIDEO, 11),
    ],
)
async def test_capture_that_cannot_be(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    camera: int,
    kind: MediaKind,
    seconds: int | None,
) -> None:
    """Cameras are 1 to 3, videos 3 to 10 s long."""
    with pytest.raises(InvalidArgument):
        await client.media.capture(CAM, camera, kind, seconds=seconds)
    assert not sim.calls


async def test_capture_of_an_offline_device(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """The device's own code is inside of the answer, whatever the outer one is."""
    sim.devices[CAM].online = False
    with pytest.raises(VehicleOffline):
        await client.media.capture(CAM, 1)
    sim.devices[CAM].online = True
    sim.fail_inside("jimi.device.meida.cmd.send", "228")
    with pytest.raises(VehicleOffline):
        await client.media.capture(CAM, 1)
    sim.fail_inside("jimi.device.meida.cmd.send", "227")
    with pytest.raises(CommandFailed):
        await client.media.capture(CAM, 1)
    for taken in ("255", "100", "225"):
        sim.fail_inside("jimi.device.meida.cmd.send", taken)
        await client.media.capture(CAM, 1)
    sim.fail("jimi.device.meida.cmd.send", 0, "Operation successful")
    await client.media.capture(CAM, 1)


async def test_files_in_pages(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """7.4: pages from 0, the newest first."""
    for _ in range(130):
        shoot(sim, sim.devices[CAM], 0)
        host.advance(1)
    host.advance(10)
    files = await client.media.files(CAM, kind=MediaKind.PHOTO)
    assert len(files) == 130
    assert files[0].created_at > files[-1].created_at
    newest = await client.media.files(CAM, kind=MediaKind.PHOTO, most=1)
    assert newest == files[:1]
    pages = [c["page_no"] for n, c in sim.calls if n == "jimi.device.jimi.media.URL"]
    assert pages == ["0", "1", "0"]


async def test_both_kinds_in_words(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """The document knows no word for both kinds: they are asked for one by one."""
    sim.media_words = True
    shoot(sim, sim.devices[CAM], 0)
    shoot(sim, sim.devices[CAM], 1, 2, alarm="147")
    host.advance(5)
    assert len(await client.media.files(CAM)) == 2
    batch = await client.media.alarm_files([CAM], START - HOUR, START + HOUR)
    assert len(batch.found) == 1
    only = await client.media.alarm_files(
        [CAM], START - HOUR, START + HOUR, kind=MediaKind.PHOTO
    )
    assert not only.found


async def test_alarm_files(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """7.5: below data.result, each alarm with its files."""
    for _ in range(120):
        shoot(sim, sim.devices[CAM], 0, alarm="147")
    shoot(sim, sim.devices[CAM], 0, alarm="44")
    host.advance(5)
    batch = await client.media.alarm_files([CAM, VAN], START - HOUR, START + HOUR)
    assert len(batch.found) == 121
    (one,) = (
        await client.media.alarm_files([CAM], START - HOUR, START + HOUR, code="44")
    ).found
    assert (one.alarm_code, one.alarm_name) == ("44", "Alarm 44")
    assert one.alarm_at == START


async def test_upload_recording(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """7.3: by name or by time."""
    await client.media.upload_recording(CAM, 1, file_name="a.mp4")
    assert sim.calls[-1][1]["type"] == "1"
    await client.media.upload_recording(CAM, 2, around=START)
    assert sim.calls[-1][1]["time"] == "2025-10-09 09:00:00"
    for wrong in ({}, {"file_name": "a.mp4", "around": START}):
        with pytest.raises(InvalidArgument):
            await client.media.upload_recording(CAM, 1, **wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert len(sim.devices[CAM].media) == 2


@pytest.mark.parametrize("spelling", ["channal", "channel"])
async def test_live_stream(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    host: FakeHost,
    spelling: str,
) -> None:
    """7.6 and 7.10: an http-FLV stream, which ends when it is closed."""
    sim.channel_name = spelling
    session = new_session()
    url = await client.media.live_stream(CAM, 0, session)
    async with host.session.get(url) as answer:
        assert (await answer.content.readexactly(3)) == b"FLV"
    await client.media.close_stream(CAM, 0, session)
    assert not sim.devices[CAM].streams
    async with host.session.get(url) as answer:
        assert answer.status == 404
    with pytest.raises(BusinessError):
        await client.media.close_stream(CAM, 0, session, StreamKind.LIVE)
    with pytest.raises(BusinessError):
        await client.media.live_stream(CAM, 4, session)
    sim.fail("jimi.device.media.live.stream", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.media.live_stream(CAM, 0, session)


def test_sessions_are_fifteen_letters_and_digits() -> None:
    """Each session has its own."""
    sessions = {new_session() for _ in range(50)}
    assert len(sessions) == 50
    assert all(len(one) == 15 and one.isalnum() and one.isascii() for one in sessions)


async def test_recordings(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """7.7 to 7.9: the list is waited for, then played by its names."""
    session = new_session()
    recordings = await client.media.recordings(CAM, 0, date(2025, 10, 9), session)
    assert [r.file_name for r in recordings] == [
        f"2025_10_09_10_{minute}_19_01.mp4" for minute in (34, 35, 36)
    ]
    assert host.slept == [1, 1, 1]
    url = await client.media.recorded_stream(CAM, recordings[0], session)
    assert url.startswith("ws://")
    assert "beginTime" not in sim.calls[-1][1]
    sim.devices[CAM].model = "JC371"
    recordings = await client.media.recordings(CAM, 1, date(2025, 10, 9), session)
    assert recordings[0].file_name is None
    assert recordings[0].size == 6_630_206
    await client.media.recorded_stream(CAM, recordings[0], session)
    assert sim.calls[-1][1]["beginTime"] == "2025-10-09 10:34:19"


async def test_recordings_that_never_come(
    client: TracksolidClient, sim: TracksolidSimulator, host: FakeHost
) -> None:
    """1207 for twenty seconds is enough."""
    sim.ping_lists = 100
    with pytest.raises(NotReady):
        await client.media.recordings(CAM, 0, date(2025, 10, 9), new_session())
    assert host.slept == [1] * 20


# --- 8: instructions ------------------------------------------------------------------------


async def test_instructions(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """8.1: lists differ from model to model."""
    van = {one.id: one for one in await client.instructions.instructions(VAN)}
    car = {one.id: one for one in await client.instructions.instructions(CAR)}
    assert van["163"].template == "RELAY,{0}#"
    assert car["113"].template == "RELAY,1#"
    assert car["81"].may_wait
    assert not car["113"].may_wait


def entry(entry_id: int, template: str, *, may_wait: bool = False) -> Instruction:
    """Return an entry of a list."""
    return Instruction(
        id=str(entry_id),
        name="",
        template=template,
        explanation=None,
        may_wait=may_wait,
    )


async def test_send(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """8.2: the device's words."""
    text = await client.instructions.send(VAN, entry(99, "{0}"), ["STATUS#"])
    assert text is not None and text.startswith("Battery")
    sim.devices[VAN].behaviour = "empty"
    assert await client.instructions.send(VAN, entry(12, "RESET#")) is None


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        ("late", CommandPending),
        ("refuses", CommandFailed),
        ("busy", CommandFailed),
        ("unsupported", CommandFailed),
    ],
)
async def test_send_that_fails(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    behaviour: str,
    error: type[Exception],
) -> None:
    """12005 carries the reason in its text."""
    sim.devices[VAN].behaviour = behaviour
    with pytest.raises(error):
        await client.instructions.send(VAN, entry(12, "RESET#"))


async def test_send_to_an_offline_device(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """Some entries wait for it, others fail; a second one may replace the first."""
    sim.devices[CAR].online = False
    with pytest.raises(VehicleOffline):
        await client.instructions.send(CAR, entry(12, "RESET#"))
    waiting = entry(81, "SOS,A,{0},{1},{2}#", may_wait=True)
    await client.instructions.send(CAR, waiting, ["1", "2", "3"])
    with pytest.raises(Exception, match="1003"):
        await client.instructions.send(
            CAR, waiting, ["4", "5", "6"], replace_waiting=False
        )
    await client.instructions.send(CAR, waiting, ["4", "5", "6"])
    results = await client.instructions.results(CAR)
    assert [result.state for result in results] == ["4", "3"]
    assert all(result.offline for result in results)


async def test_send_of_a_command_that_is_not_in_the_list(
    client: TracksolidClient,
) -> None:
    """The server checks the entry and its values."""
    with pytest.raises(ParameterRefused):
        await client.instructions.send(VAN, entry(4711, "RELAY,1#"))
    with pytest.raises(ParameterRefused):
        await client.instructions.send(VAN, entry(163, "RELAY,{0}#"), [])


async def test_raw(client: TracksolidClient, sim: TracksolidSimulator) -> None:
    """8.4: hex, with or without spaces."""
    await client.instructions.send_raw(VAN, "0b 02 c3")
    assert sim.devices[VAN].sent[-1].text == "0B02C3"
    for wrong in ("", "0", "xy", "0b2"):
        with pytest.raises(InvalidArgument):
            await client.instructions.send_raw(VAN, wrong)
    sim.devices[VAN].online = False
    with pytest.raises(VehicleOffline):
        await client.instructions.send_raw(VAN, "0B")


# --- 9: geofences ---------------------------------------------------------------------------


async def test_fence_in_the_device(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """9.1 and 9.2: metres here, units of 100 m there."""
    number = await client.fences.create_in_device(VAN, "Home", (52.3, 4.9), 300)
    sent = sim.devices[VAN].fences[number]
    assert (sent["radius"], sent["alarm_type"], sent["alarm_switch"]) == (
        "3",
        "in,out",
        "ON",
    )
    with pytest.raises(InvalidArgument) as caught:
        await client.fences.create_in_device(VAN, "Home", (52.3, 4.9), 300)
    assert caught.value.translation_key == "tracksolid_fence_exists"
    await client.fences.delete_in_device(VAN, number)
    with pytest.raises(Exception, match="41004"):
        await client.fences.delete_in_device(VAN, number)
    for name in "abcde":
        await client.fences.create_in_device(
            VAN, name, (52.3, 4.9), 1000, leaving=False, by_sms=True, enabled=False
        )
    with pytest.raises(Exception, match="41001"):
        await client.fences.create_in_device(VAN, "f", (52.3, 4.9), 1000)
    sim.devices[VAN].online = False
    with pytest.raises(VehicleOffline):
        await client.fences.create_in_device(VAN, "f", (52.3, 4.9), 1000)
    sim.fail("jimi.open.device.fence.create", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.fences.create_in_device(VAN, "f", (52.3, 4.9), 1000)


@pytest.mark.parametrize(
    ("radius", "options", "key"),
    [
        (99, {}, "tracksolid_radius"),
        (1_000_000, {}, "tracksolid_radius"),
        (250, {}, "tracksolid_radius_step"),
        (300, {"entering": False, "leaving": False}, "invalid_argument"),
        (300, {"zoom": 2}, "invalid_argument"),
        (300, {"zoom": 20}, "invalid_argument"),
    ],
)
async def test_fence_that_cannot_be_expressed(
    client: TracksolidClient,
    sim: TracksolidSimulator,
    radius: int,
    options: dict[str, int],
    key: str,
) -> None:
    """A fence that the API cannot express is refused, not rounded."""
    with pytest.raises(InvalidArgument) as caught:
        await client.fences.create_in_device(
            VAN,
            "Home",
            (52.3, 4.9),
            radius,
            **options,  # type: ignore[arg-type]  # flags and a number
        )
    assert caught.value.translation_key == key
    assert not sim.calls


async def test_platform_fences(
    client: TracksolidClient, sim: TracksolidSimulator
) -> None:
    """9.3 to 9.5."""
    circle = await client.fences.create_circle(
        "fleet", "Home", (52.3, 4.9), 300, colour="#FF0000", description="us"
    )
    assert sim.platform_fences[circle]["geom"] == "52.30000000,4.90000000"
    polygon = await client.fences.create_polygon(
        "fleet", "Town", [(52.3, 4.9), (52.4, 4.9), (52.4, 5.0)]
    )
    assert sim.platform_fences[polygon]["geom"].count("#") == 2
    assert await client.fences.bind(circle, [VAN, CAR, VAN]) == 2
    assert sim.bindings[circle] == {VAN, CAR}
    await client.fences.bind(
        polygon, [VAN], [FenceAlert.NOT_LEFT_FOR_DAYS], days_not_left=3
    )
    assert sim.calls[-1][1]["stay_time_out"] == "3"
    with pytest.raises(InvalidArgument) as caught:
        await client.fences.create_circle("fleet", "Home", (52.3, 4.9), 300)
    assert caught.value.translation_key == "tracksolid_fence_exists"
    await client.fences.delete("fleet", circle)
    assert circle not in sim.platform_fences
    sim.fail("jimi.open.platform.fence.create", 0, "success")
    with pytest.raises(InvalidAnswer):
        await client.fences.create_circle("fleet", "Home", (52.3, 4.9), 300)
    sim.fail("jimi.open.platform.fence.bind", 0, "success")
    assert await client.fences.bind(polygon, [VAN]) == 0


async def test_platform_fences_that_cannot_be(client: TracksolidClient) -> None:
    """Limits of the manual."""
    for radius in (199, 5001):
        with pytest.raises(InvalidArgument) as caught:
            await client.fences.create_circle("fleet", "x", (52.3, 4.9), radius)
        assert caught.value.placeholders == {"least": "200", "most": "5000"}
    with pytest.raises(InvalidArgument):
        await client.fences.create_polygon("fleet", "x", [(1, 1), (2, 2)])
    with pytest.raises(InvalidArgument):
        await client.fences.bind("f", [VAN], [FenceAlert.NOT_ENTERED_FOR_DAYS])
    with pytest.raises(InvalidArgument):
        await client.fences.bind("f", [VAN], days_not_left=1)
    with pytest.raises(InvalidArgument):
        await client.fences.bind("f", [str(number) for number in range(101)])


# --- by name --------------------------------------------------------------------------------


def test_catalog_equals_the_simulator() -> None:
    """Both are written from the document; neither knows more, nor other parameters."""
    assert len(METHODS) == 41 + 3
    assert METHODS.keys() == SIMULATED.keys()
    signing = {name for name, one in METHODS.items() if one.use is Use.SIGNS_IN}
    assert signing == {"jimi.oauth.token.get", "jimi.oauth.token.refresh"}
    extra = {"vehicle_models", "oilWear", "deviceGroupId", "fence_id"}
    for name, known in METHODS.items():
        simulated = SIMULATED[name]
        ours = set(known.required) | set(known.optional)
        theirs = simulated.required | simulated.optional
        assert ours - extra == theirs - extra - {"access_token"}, name


def test_catalog_knows_all_instructions() -> None:
    """The six of Appendix A, with the fields that the host wants."""
    known = {
        str(int(protocol)): {*method.required} - {"deviceImei"}
        for protocol, method in INSTRUCTIONS.values()
    }
    assert known == FIELDS


def test_catalog_refuses_and_wants_confirmation() -> None:
    """What stops vehicles or deals with passwords is refused, changes are confirmed."""
    refused = {name for name, one in METHODS.items() if one.refused}
    assert refused == {
        "jimi.oauth.token.get",
        "jimi.oauth.token.refresh",
        "jimi.open.instruction.send",
        "jimi.open.instruction.raw.send",
    }
    assert METHODS["jimi.open.device.move"].wants_confirmation
    assert not METHODS["jimi.user.device.list"].wants_confirmation


async def test_call_by_name(client: TracksolidClient) -> None:
    """Any method can be called as it is."""
    answer = await client.call("jimi.user.device.list", {"target": "fleet"})
    assert isinstance(answer.result, list)
    assert len(answer.result) == 3


async def test_list_that_is_none(
    client: TracksolidClient, sim: TracksolidSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer with something else than a list is no answer."""
    known = SIMULATED["jimi.user.device.list"]
    monkeypatch.setitem(
        SIMULATED,
        known.name,
        Method(known.name, known.required, known.optional, lambda *_: Reply("x")),
    )
    with pytest.raises(InvalidAnswer):
        await client.devices.devices("fleet")


async def test_stops_without_a_total(
    client: TracksolidClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that does not count is asked until a page is not full."""
    row = {
        "imei": CAR,
        "startTime": "2025-10-09T08:00:00.000Z",
        "durSecond": None,
        "stopSecond": "60",
    }
    name = "jimi.open.platform.report.parking"
    known = SIMULATED[name]
    answers = [Reply(data={"rows": [row] * 100}), Reply(data={"rows": [row] * 5})]
    method = Method(name, known.required, known.optional, lambda *_: answers.pop(0))
    monkeypatch.setitem(SIMULATED, name, method)
    batch = await client.reports.stops("fleet", [CAR], START - HOUR, START)
    assert len(batch.found) == 105
    assert batch.found[0].duration == 60
