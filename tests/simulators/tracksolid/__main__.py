"""Play a Tracksolid Pro account by itself: `python -m tests.simulators.tracksolid`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
from pathlib import Path
import sys
import time

import aiohttp

from tests.simulators import world
from tests.simulators.server import push_url_of

from . import Device, TracksolidSimulator, pushes
from .device import ALARMS, REPORT_DRIVING
from .media import shoot

DAY = 86_400
COLLISION = "147"


def fleet(now: float) -> list[Device]:
    """Return three vehicles around one home; the first has a camera."""
    return [
        Device(
            "860000000000011",
            "Town van",
            world.town_van(now, month_before=True),
            model="JC400",
            driver="Robin",
            plate="FT-001",
            channels=(0, 1),
            commands=(
                (201, "Live video", "RTMP,ON,{0}#", False),
                (202, "Take a picture", "PICTURE,{0}#", False),
                (163, "Fuel/Power Remote Control", "RELAY,{0}#", False),
                (12, "Reboot", "REBOOT#", False),
            ),
        ),
        Device(
            "860000000000012",
            "Ring truck",
            world.ring_truck(now),
            model="VL502_E",
            driver="Kim",
            plate="FT-002",
            vin="LC0CG4CF1H0029191",
            obd=True,
            oil="212.50L",
            temperature="4.5",
        ),
        Device(
            "860000000000013",
            "Parked car",
            world.parked(world.HOME.away(60, 150), now - 90_000),
            model="GT06N",
            plate="FT-003",
            power=None,
        ),
    ]


def film(sim: TracksolidSimulator, device: Device) -> None:
    """Let a device have taken photos and videos today and yesterday, one of an alarm."""
    for camera in range(len(device.channels)):
        shoot(sim, device, camera, ago=DAY)
        shoot(sim, device, camera, 2, 5, ago=DAY - 60)
        shoot(sim, device, camera, 2, 5, ago=120)
        shoot(sim, device, camera, ago=10 * camera)
    shoot(sim, device, 0, ago=90, alarm=COLLISION)
    shoot(sim, device, 0, 2, 5, ago=90, alarm=COLLISION)


async def push_for_ever(sim: TracksolidSimulator, base: str, token: str) -> None:
    """Push what happens: positions and heartbeats, and every alarm twice."""
    seen = sim.now
    async with aiohttp.ClientSession() as session:
        pusher = pushes.Pusher(session, base, token)
        while True:
            await asyncio.sleep(REPORT_DRIVING)
            now = sim.now
            for device in sim.devices.values():
                with contextlib.suppress(aiohttp.ClientError):
                    await pusher.data("/pushgps", [pushes.gps(device, now)])
                    await pusher.data("/pushhb", [pushes.heartbeat(device, now)])
                    for event in device.vehicle.happenings(seen + 0.001, now):
                        code, name = ALARMS[event.what]
                        item = pushes.alarm(device, code, name, event.time)
                        for _ in range(2):
                            status, _ = await pusher.data("/pushalarm", [item])
                        print(f"pushed alarm {code} ({name}) twice: HTTP {status}")
            seen = now


async def main() -> None:
    """Start the account and push if asked to, until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulators.tracksolid")
    parser.add_argument("--port", type=int, default=8092)
    parser.add_argument("--push-url", help="where to push to, without the path")
    parser.add_argument(
        "--push-url-file", type=Path, help="a file that will say where to push to"
    )
    parser.add_argument("--push-token", default="")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout
    )
    sim = TracksolidSimulator()
    sim.add(*fleet(time.time()))
    for device in sim.devices.values():
        if device.channels:
            film(sim, device)
    url = await sim.start(arguments.port)
    print(f"Tracksolid Pro at {url}")
    print(f"app key {sim.app_key}, app secret {sim.app_secret}")
    print(f"account {sim.account}, password {sim.password}", flush=True)
    try:
        push_url = arguments.push_url
        if arguments.push_url_file:
            push_url = await push_url_of(arguments.push_url_file)
        if push_url:
            await push_for_ever(sim, push_url, arguments.push_token)
        await asyncio.Event().wait()
    finally:
        await sim.stop()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
