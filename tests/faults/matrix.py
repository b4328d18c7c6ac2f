"""The rows of the fault matrix, and how each is played: a load, a fault again and again, and the books at the end."""

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

from services.operator.installation import Layout
from services.operator.local.error import InstallationError
from tests import site as sites
from tests.faults import books, ground, network, processes, servers
from tests.faults.fault import Fault
from tests.faults.ground import Ground
from tests.faults.ledger import Ledger, Verdict
from tests.faults.load import LONGEST, Load, steady
from tests.faults.member import POINTS
from tests.waiting import until

BUILD: Final = Path("build")
Around = Callable[[Ground], AbstractAsyncContextManager[Any]]


def _nothing(_: Ground) -> AbstractAsyncContextManager[Any]:
    return nullcontext()


@dataclass(frozen=True)
class Row:
    """A fault, and where and how often it strikes."""

    key: str
    fault: Fault
    layout: Layout = "block"
    kinds: int = 1
    """Of what may be struck: each is to be struck as often as is asked for."""
    most: int | None = None
    """Of strikes, where each takes a minute, unless the row is asked for by name."""
    around: Around = _nothing
    """What stands while the row is played."""
    untimely: bool = False
    """Whether exchanges may end by their deadline alone, since clocks differ."""

    def strikes(self, times: int) -> int:
        return min(times * self.kinds, self.most or times * self.kinds)


@dataclass
class Outcome:
    """What a row has shown: seconds from each mending to the first message and to an empty backlog."""

    row: str
    fault: str
    struck: int = 0
    posted: int = 0
    repeats: int = 0
    first: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    seconds: float = 0
    failure: str = ""

    def good(self) -> bool:
        return not self.failure and self.verdict.balanced()

    def of(self, which: str) -> str:
        """Median and longest."""
        found: list[float] = getattr(self, which)
        return f"{median(found):.1f} / {max(found):.1f}" if found else "-"


async def play(at: Ground, row: Row, times: int) -> Outcome:
    """Strikes until it has struck often enough; what does not come to rest in time ends the row."""
    outcome, chance, began = Outcome(row.key, row.fault.name), random.Random(row.key), time.monotonic()
    await at.mended()
    await at.lay_out(row.layout)
    await sites.settled(at.site, LONGEST)
    opened = await books.opened(at.site)
    async with row.around(at), steady(at) as load:
        try:
            while outcome.struck < row.strikes(times):
                await _once(at, row, load, outcome, chance)
        except (AssertionError, InstallationError) as failure:
            load.pause()
            outcome.failure = f"{failure}; {_standing(at)}"
            await at.mended()  # the books are with the servers
    ledger = Ledger(load.posted, await opened.closed(), row.untimely)
    outcome.verdict, outcome.posted, outcome.repeats = ledger.verdict(), len(load.posted), load.repeats
    outcome.seconds = time.monotonic() - began
    return outcome


def _standing(at: Ground) -> str:
    """For whoever looks for the cause: which processes run, and what they wait for. Their logs are kept."""
    logs = BUILD / "faults-logs" / at.site.folder.parent.name
    shutil.copytree(at.site.folder / "log", logs, dirs_exist_ok=True)
    return f"running: {sites.running(at.site)}; logs in {logs}"


async def _once(at: Ground, row: Row, load: Load, outcome: Outcome, chance: random.Random) -> None:
    """Under load: strike, mend, wait for the first message, stop the load, wait until nothing is left."""
    load.resume()
    await load.works()
    await asyncio.sleep(chance.uniform(0, 0.5))
    async with row.fault.strike(at, chance) as struck:
        outcome.struck += struck
    mended = time.monotonic()
    outcome.first.append(await load.first(mended))
    load.pause()
    if row.untimely:
        await _run_out(at, load)
    outcome.empty.append(await load.empty(mended))


async def _run_out(at: Ground, load: Load) -> None:
    """What nobody will answer ends by its deadline: everything that is open once nothing is left to be done."""

    async def still() -> bool:
        return not await sites.left(at.site) and not sites.waiting(at.site)

    await until(still, LONGEST)
    for exchange in load.open():
        with sites.locked(at.site, PAST, exchange):
            pass


PAST: Final = "UPDATE exchange.exchanges SET expires = now() - interval '1 day' WHERE id = %s AND state = 'open'"


# --- rows, by the ground that they need


@dataclass(frozen=True)
class Group:
    """Rows that share servers and an installation."""

    key: str
    opened: Callable[[], AbstractAsyncContextManager[Ground]]
    rows: Sequence[Row]
    needs: Callable[[], bool] = lambda: True


def twins(*services: str) -> Around:
    """A second process of each."""

    @asynccontextmanager
    async def around(at: Ground) -> AsyncIterator[None]:
        async with processes.twins(at, services):
            await sites.settled(at.site, LONGEST)
            yield

    return around


KILLS: Final = Group(
    "kills",
    ground.opened,
    [
        *(Row(f"killed_{point}", processes.killed_at([point], 4), "service") for point in POINTS),
        Row("killed", processes.killed(6), "service", kinds=9),
    ],
)
KAFKA: Final = Group(
    "kafka",
    ground.opened,
    [
        Row("kafka_killed", servers.kafka_killed()),
        Row("kafka_stopped", servers.kafka_stopped(2)),
        Row("kafka_paused", servers.paused("kafka", processes.PAST_SESSION)),
        Row("kafka_stopped_60", servers.kafka_stopped(60), most=1),
    ],
)
PROCESSES: Final = Group(
    "processes",
    ground.opened,
    [
        Row("zombies", processes.zombies(4), "service", around=twins("exchange", "crypto", "routing", "hub")),
        Row("storm", processes.storm(8), "service"),
        Row("clock_ahead", processes.clock(1), "service", untimely=True),
        Row("clock_behind", processes.clock(-1), "service", untimely=True),
        Row("switched", processes.switched(), "block"),
    ],
)
DATABASE: Final = Group(
    "database",
    ground.opened,
    [
        Row("postgres_killed", servers.postgres_killed()),
        Row("answer_lost", servers.answer_lost()),
        Row("postgres_stopped", servers.postgres_stopped(1)),
        Row("connections_cut", servers.connections_cut()),
        Row("postgres_paused", servers.paused("postgres", 2)),
    ],
)
NETWORK: Final = Group(
    "network",
    partial(ground.opened, proxied=True),
    [
        Row("cut", network.cut(5)),
        Row("half_open", network.half_open(3)),
        Row("slow", network.slow(0.1, 2)),
        Row("sliced", network.sliced(64, 2)),
        Row("half_open_for_ever", network.half_open(None), most=2),
    ],
)
DISK: Final = Group(
    "disk", partial(ground.opened, disk=True), [Row("disk_full", servers.disk_full())], needs=ground.privileged
)
GROUPS: Final = (KILLS, KAFKA, PROCESSES, DATABASE, NETWORK, DISK)
"""Those that take longest first."""
