"""Several Home Assistants, one per sub-account, whose recorders share one PostgreSQL.

Each is a process of its own with a database of its own. All ask one simulated server of the
Open API, over real sockets and in real time.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict, dataclass
import json
import logging
import sys
import time

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.fleet_tracker.const import DOMAIN
from tests.simulators.open_api import OpenApiSimulator
from tests.simulators.open_api_fleet import Account, Device
from tests.simulators.world import HOME, errand

from .polled import set_up
from .postgresql import postgresql
from .process import in_home_assistant
from .recording import recorded, start_recorder

PASSWORD = "bench"
INTERVAL = 10


@dataclass(frozen=True, slots=True)
class House:
    """What a Home Assistant showed and recorded."""

    name: str
    vehicles: int
    states: int
    rows: int
    loop_cpu_share: float
    """Of the time, the share in which the event loop's thread worked, in percent."""


def name_of(number: int) -> str:
    """Return the name of a sub-account."""
    return f"depot{number}"


def accounts(houses: int, vehicles: int) -> list[Account]:
    """Return an account with a sub-account for each house, whose vehicles drive."""
    now = time.time()
    subs = [
        Account(
            name=name_of(house),
            password=PASSWORD,
            parent="fleet",
            devices=[
                Device(
                    imei=f"35{house:03}{number:010}",
                    vehicle=errand(
                        now - 600 - number, HOME.away(number, 10.0 * number), 90, 3600
                    ),
                    name=f"Truck {house}-{number}",
                )
                for number in range(vehicles)
            ],
        )
        for house in range(houses)
    ]
    return [Account(name="fleet", password=PASSWORD), *subs]


async def live(hass: HomeAssistant, options: argparse.Namespace) -> House:
    """Show a sub-account for some time."""
    account, _, md5 = options.live.partition(":")
    await start_recorder(hass, options.database)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title=account,
        unique_id=f"open_api_{account}",
        data={
            "vendor": "open_api",
            "identity": f"open_api_{account}",
            "push_secret": "a-secret-that-nobody-guesses",
            "server": options.server,
            "account": account,
            "password_md5": md5,
        },
        options={"driving_interval": INTERVAL, "parked_interval": INTERVAL},
    )
    entry.add_to_hass(hass)
    await set_up(hass, entry)
    before, begin, worked = (
        await recorded(hass),
        time.monotonic(),
        time.thread_time(),
    )
    await asyncio.sleep(options.seconds)
    share = (time.thread_time() - worked) / (time.monotonic() - begin)
    vehicles = len(entry.runtime_data.vehicles())
    if not entry.runtime_data.last_update_success:
        raise RuntimeError("The account cannot be read")
    states = len(hass.states.async_all())
    rows = await recorded(hass) - before
    await hass.config_entries.async_unload(entry.entry_id)
    return House(account, vehicles, states, rows, 100 * share)


async def show(options: argparse.Namespace) -> list[House]:
    """Run the houses at the same time."""
    fleet = accounts(options.houses, options.vehicles)
    with postgresql() as database:
        async with OpenApiSimulator(*fleet) as server:
            processes = [
                await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", "script.bench_support.houses"),
                    *("--live", f"{account.name}:{account.password_md5}"),
                    *("--server", server.url, "--seconds", str(options.seconds)),
                    *("--database", database.make_database(account.name)),
                    stdout=asyncio.subprocess.PIPE,
                )
                for account in fleet[1:]
            ]
            told = [await process.communicate() for process in processes]
    if any(process.returncode for process in processes):
        raise RuntimeError("A house failed")
    return [House(**json.loads(output)) for output, _ in told]


def main() -> None:
    """Run a house, or all of them and print what each did."""
    parser = argparse.ArgumentParser(prog="script/bench --houses", description=__doc__)
    parser.add_argument("--houses", type=int, default=3)
    parser.add_argument("--vehicles", type=int, default=100, help="in each")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--live", help=argparse.SUPPRESS)
    parser.add_argument("--server", help=argparse.SUPPRESS)
    parser.add_argument("--database", help=argparse.SUPPRESS)
    options = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    if options.live:
        house = asyncio.run(in_home_assistant(lambda hass: live(hass, options)))
        print(json.dumps(asdict(house)))
        return
    houses = asyncio.run(show(options))
    for house in houses:
        print(
            f"{house.name}: {house.vehicles} vehicles, {house.states} states,"
            f" {house.rows / options.seconds:.1f} rows a second,"
            f" the event loop works {house.loop_cpu_share:.1f} % of the time"
        )


if __name__ == "__main__":
    main()
