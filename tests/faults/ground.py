"""Where faults strike: an installation on servers of its own, which may be taken away, each behind a proxy.

Six cities ask each other, three inquiries of one pair at a time, so that the order of each pair is worth something.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psutil

from services.operator import lifecycle
from services.operator.demo import ASKER, ELSEWHERE, NEIGHBOUR
from services.operator.installation import Layout
from services.operator.local import kafka, postgres, process
from services.operator.local.jars import CHECKOUT
from services.operator.local.kafka import KafkaSettings
from services.operator.local.port import HOST, choose_port, free_port
from services.operator.local.postgres import PostgresSettings
from tests import site as sites
from tests.faults.member import Strings, service_of
from tests.proxy import Proxy
from tests.site import GRACE, RESIDENTS, Resident, Site

CITIES: Final = (ASKER, NEIGHBOUR, ELSEWHERE, "222038", "231002", "141003")
"""浜松市, 静岡市, 福岡市, 沼津市, 名古屋市, 横浜市."""
ROOM: Final = 1024 * 1024 * 1024
"""Bytes of the disk that may fill up: the broker's."""
START_SECONDS: Final = 300.0
"""How long a broker may take to start, with several grounds on a busy machine: that is no fault of what is tried."""


@dataclass(frozen=True)
class Case:
    """A resident of the provider about whom the asker wants to know something."""

    asker: str
    resident: Resident


CASES: Final = [
    Case(asker, Resident(place, provider))
    for place, (asker, provider) in enumerate((a, b) for a in CITIES for b in CITIES if a != b)
]
"""Of every two cities."""
OF_THE_SITE: Final = [Case(ASKER, resident) for resident in RESIDENTS]
"""What the installation of the integration tests knows."""


@dataclass(frozen=True)
class Manned(Site):
    """A site whose processes hang by strings: see `member.py`."""

    def start(self, name: str) -> process.Process:
        environment = self.environment(choose_port(self.port_file(name), None)) | {"PYTHONPATH": str(CHECKOUT)}
        command = [sys.executable, "-m", "tests.faults.member", name, str(self.folder)]
        return process.start(name, command, environment, self.folder)

    def strings(self, name: str) -> Strings:
        return Strings(self.folder, name)

    def readers(self) -> list[str]:
        """The running processes that read the log: all but the gateway."""
        return [name for name in sites.running(self) if service_of(name) != "gateway"]


@dataclass(frozen=True)
class Servers:
    """Kafka and PostgreSQL of one installation, and the proxies before them, if there are any."""

    folder: Path
    log: Proxy | None = None
    database: Proxy | None = None
    disk: bool = False
    """Whether the broker has a disk of its own, which may fill up."""

    @property
    def kafka(self) -> KafkaSettings:
        advertised = {} if self.log is None else {"advertised.listeners": f"PLAINTEXT://{HOST}:{self.log.port}"}
        port = None if self.log is None else self.log.target
        return KafkaSettings(self.folder, port, start_seconds=START_SECONDS, brief=True, properties=advertised)

    @property
    def postgres(self) -> PostgresSettings:
        return PostgresSettings(self.folder, None if self.database is None else self.database.target)

    @property
    def proxies(self) -> list[Proxy]:
        return [proxy for proxy in (self.log, self.database) if proxy is not None]

    def family(self, name: str) -> list[psutil.Process]:
        """A server's process and its children."""
        found = process.find(name, self.folder)
        assert found is not None, f"{name} does not run"
        return process.family(found)


@dataclass(frozen=True)
class Ground:
    """An installation, its servers if they are its own, and what may be asked on it."""

    site: Manned
    cases: Sequence[Case]
    servers: Servers | None = None

    @property
    def own(self) -> Servers:
        assert self.servers is not None, "these servers are not ours to take away"
        return self.servers

    async def restart(self, names: Sequence[str]) -> None:
        """Starts processes that have ended, and returns when all do their work."""
        started = [self.site.start(name) for name in names]
        await asyncio.to_thread(self.site.wait_ready, started)

    async def mended(self) -> None:
        """The servers run, if they are ours, and nothing stands between."""
        if self.servers is not None:
            await asyncio.to_thread(kafka.start, self.servers.kafka)
            await asyncio.to_thread(postgres.start, self.servers.postgres)
            for proxy in self.servers.proxies:
                proxy.delay, proxy.slices = 0, 0

    async def lay_out(self, layout: Layout) -> None:
        """The processes of a layout, each hanging by strings."""
        await asyncio.to_thread(sites.switch, self.site, layout)


@asynccontextmanager
async def opened(proxied: bool = False, disk: bool = False) -> AsyncIterator[Ground]:
    """Servers, an installation on them with its residents, one process per block; all is removed in the end."""
    with _installed(proxied, disk) as servers:
        for proxy in servers.proxies:
            await proxy.open()
        try:
            ground = Ground(await asyncio.to_thread(_manned, servers), CASES, servers)
            await populate(ground.site)
            await ground.lay_out("block")
            yield ground
        finally:
            for one in process.running(servers.folder / "site"):
                process.kill(one.name, one.folder)
            for proxy in servers.proxies:
                await proxy.close()


@contextmanager
def _installed(proxied: bool, disk: bool) -> Iterator[Servers]:
    folder = Path(tempfile.mkdtemp(prefix="renkei-faults-"))
    folder.chmod(0o711)
    log, database = (Proxy(free_port(), free_port()) if proxied else None for _ in range(2))
    servers = Servers(folder, log, database, disk)
    data = servers.kafka.home / "data"
    try:
        if disk:
            data.mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "renkei-faults", data], check=True)
        kafka.start(servers.kafka)
        postgres.start(servers.postgres)
        yield servers
    finally:
        for one in process.running(folder):
            process.kill(one.name, folder)
        if disk:
            subprocess.run(["umount", data], check=True)
        postgres.remove(servers.postgres)
        shutil.rmtree(folder)


def _manned(servers: Servers) -> Manned:
    """Its processes find servers behind the proxies, the tests PostgreSQL before them."""
    broker, database = kafka.start(servers.kafka), postgres.start(servers.postgres)
    told = {"RENKEI_GRACE": str(GRACE)}
    if servers.database is not None:
        behind = urlsplit(database.dsn)._replace(netloc=f"{HOST}:{servers.database.port}")
        told["RENKEI_POSTGRES"] = urlunsplit(behind)
    bootstrap = broker.bootstrap if servers.log is None else f"{HOST}:{servers.log.port}"
    site = Manned(servers.folder / "site", bootstrap, database.dsn, told=told)
    lifecycle.bring_up(site, "block")
    return site


async def populate(site: Site) -> None:
    """Keys, records, staff, persons and copies of the six cities."""
    await sites.settle_in(site, CITIES, CITIES, [_known(case) for case in CASES], [case.resident for case in CASES])
    await sites.settled(site)


def _known(case: Case) -> dict[str, str]:
    return {case.asker: case.resident.number, case.resident.provider: case.resident.known_as}


def privileged() -> bool:
    """Whether a disk can be mounted here."""
    return os.geteuid() == 0 and sys.platform == "linux"
