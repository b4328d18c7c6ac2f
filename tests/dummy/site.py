"""Brokers, database and secrets for a chain, and its processes: started, killed, asked and stopped from outside."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from schemas import topics
from schemas.quarantine import OperatorKey, new_key
from services.operator.local.port import HOST, free_port
from services.runtime import migrations
from services.runtime.kafka import apply_topics
from services.runtime.postgres import role_of
from services.runtime.quarantine import FILE
from tests.dummy.chain import REVISIONS, Chain
from tests.waiting import until

CHECKOUT = Path(__file__).resolve().parents[2]
PASSWORD = "for-tests-only"


@dataclass(eq=False)
class Member:
    """One process of the chain."""

    process: "subprocess.Popen[bytes]"
    port: int
    output: Path

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://{HOST}:{self.port}{path}", timeout=5, trust_env=False)

    def waiting(self) -> dict[str, str] | None:
        """What it waits for, by place; None as long as nobody answers."""
        try:
            answer: dict[str, Any] = self.get("/ready").json()
        except httpx.HTTPError:
            return None
        waits: dict[str, str] = answer["waiting"]
        return waits

    def ready(self) -> bool:
        return self.waiting() == {}

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged so far; AssertionError if anything of it is no log line."""
        lines = self.output.read_text().splitlines()
        assert all(line.startswith("{") for line in lines), lines
        return [json.loads(line) for line in lines if line.endswith("}")]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    async def stop(self) -> int:
        """Asks it to stop; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        await until(lambda: self.process.poll() is not None)
        return int(self.process.returncode)


@dataclass
class Site:
    """What the processes of one chain are told."""

    folder: Path
    kafka: str
    postgres: str
    """DSN of the superuser."""
    chain: Chain
    key: OperatorKey
    """What opens and releases what was set aside."""
    members: list[Member] = field(default_factory=list)

    @property
    def broken(self) -> Path:
        """While this file exists, the first step has a bug."""
        return self.folder / "broken"

    def groups(self) -> list[tuple[str, topics.Topic]]:
        return [(service.group(topic), topic) for service in self.chain.services() for topic in service.reads]

    async def prepare(self) -> None:
        """Topics, offsets, role and tables."""
        kinds = [self.chain.topic(kind) for kind in ("requested", "halfway", "finished", "asked", "echoed")]
        watched = [("watcher", topic) for topic in kinds]
        await apply_topics(
            self.kafka, [topics.directory, topics.record_quarantined, *kinds], [*self.groups(), *watched]
        )
        migrations.prepare(self.postgres, {role_of("second"): PASSWORD})
        migrations.migrate(self.postgres, "second", role_of("second"), REVISIONS)

    def environment(self, **others: object) -> dict[str, str]:
        told = {
            "kafka": self.kafka,
            "postgres": without_user(self.postgres),
            "passwords": self.folder,
            "keys": self.folder,
            "key_encryption_key": self.folder / "nowhere",
            "roots": self.folder / "roots.json",
            **others,
        }
        own = {"PATH": os.environ["PATH"], "DUMMY_CHAIN": self.chain.name, "DUMMY_BROKEN": str(self.broken)}
        return own | {f"RENKEI_{name.upper()}": str(value) for name, value in told.items()}

    def start(self, name: str, **others: object) -> Member:
        """Starts a process; `others` are settings that it is told instead."""
        port = int(str(others.setdefault("http", free_port())))
        output = self.folder / f"{len(self.members)}-{name}.log"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.dummy", name],
                env=self.environment(**others),
                cwd=CHECKOUT,
                stdout=file,
                stderr=file,
            )
        self.members.append(Member(process, port, output))
        return self.members[-1]


@contextmanager
def site(folder: Path, kafka: str, postgres: str, chain: Chain) -> Iterator[Site]:
    """A site whose processes end with it."""
    key = new_key()
    (folder / "roots.json").write_text("[]")
    (folder / FILE).write_bytes(key.public.encoded())
    (folder / role_of("second")).write_text(PASSWORD)
    opened = Site(folder, kafka, postgres, chain, key)
    try:
        yield opened
    finally:
        for member in opened.members:
            member.kill()


def without_user(dsn: str, database: str = "", address: str = "") -> str:
    """A DSN as the services are told it: each has a user of its own."""
    parts = urlsplit(dsn)
    return urlunsplit(
        parts._replace(
            netloc=address or parts.netloc.rsplit("@", 1)[-1], path=f"/{database}" if database else parts.path
        )
    )
