"""The gateway's pages over a log in memory, keys made here, and a database that says what a test lets it say."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from schemas import canonical, topics
from schemas.directory import DEFAULT_SYSTEM
from schemas.message import Message
from schemas.request import Posted, assert_read, assert_request, read_request
from schemas.text import to_bytes
from schemas.topics import Topic
from services.gateway import examples
from services.gateway.application import application
from services.gateway.posting import Gateway
from services.operator.keys.enrolment import Made, make_key
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import KeyRings, Ring
from services.runtime.memory import MemoryLog
from services.runtime.rest import AtRest

NOW: Final = datetime(2026, 11, 24, 9, tzinfo=UTC)
ASKER, NEIGHBOUR, ELSEWHERE = "221309", "221007", "131016"
"""The first two are of this site."""
SYSTEMS: Final[dict[str, Made]] = {
    code: make_key(code, "assertion", "ed25519", NOW, NOW + timedelta(days=9)) for code in (ASKER, NEIGHBOUR, ELSEWHERE)
}
BESIDE: Final = "beside"
SYSTEMS[BESIDE] = make_key(ASKER, "assertion", "ed25519", NOW, NOW + timedelta(days=9), BESIDE)
"""Another system of the asker."""
RINGS: Final = {
    code: Ring(agency=code, keys=[make_key(code, "data", "aes-256-gcm", NOW, NOW + timedelta(days=9)).private])
    for code in (ASKER, NEIGHBOUR)
}
MARKER: Final = "ZQXJKVWP7HNS"
"""What no answer may repeat."""
EXPIRES: Final = int(NOW.timestamp()) + 300
REST: Final = AtRest(KeyRings(Path("/nowhere"), b"", "", RINGS), lambda: NOW)


@dataclass
class Tables:
    """What exchange's views show, by agency and id; `away` and `silent` are what can be wrong with a database."""

    accepted: dict[tuple[str, str], bytes] = field(default_factory=dict)
    progress: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    asked: int = 0
    system: str = DEFAULT_SYSTEM
    """The posting system whose exchanges they are."""
    away: bool = False
    silent: bool = False

    @asynccontextmanager
    async def transaction(self, agencies: Iterable[str]) -> AsyncIterator["_Connection"]:
        self.asked += 1
        if self.away:
            raise Unavailable("PostgreSQL is away")
        try:
            if self.silent:
                await asyncio.Event().wait()
            yield _Connection(self, set(agencies))
        finally:
            if self.silent:  # as the driver, which says goodbye first
                await asyncio.Event().wait()


@dataclass
class _Connection:
    tables: Tables
    agencies: Collection[str]

    async def fetchval(self, query: str, agency: str, exchange: Any) -> bytes | None:
        assert self.agencies == {agency}
        return self.tables.accepted.get((agency, str(exchange)))

    async def fetchrow(self, query: str, agency: str, exchange: Any, system: str) -> Mapping[str, Any] | None:
        assert self.agencies == {agency}
        assert "system = $3" in query
        return self.tables.progress.get((agency, str(exchange))) if self.tables.system == system else None


class Switched(MemoryLog):
    """A log that can be away, or be held until a test lets it go on."""

    def __init__(self) -> None:
        super().__init__(lambda: NOW)
        self.away, self.held, self.reached = False, asyncio.Event(), asyncio.Event()
        self.held.set()

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        self.reached.set()
        await self.held.wait()
        if self.away:
            raise Unavailable("Kafka did not acknowledge")
        await super().publish(records)


@dataclass
class World:
    """A gateway with everything around it."""

    tables: Tables = field(default_factory=Tables)
    log: Switched = field(default_factory=Switched)
    beat: datetime = NOW
    body_seconds: float = 30
    database_seconds: float = 30

    def __post_init__(self) -> None:
        keys = {made.record.kid: made.record for made in SYSTEMS.values() if made.record}
        directory = Directory({}, lambda: NOW, keys=keys, beat=self.beat, complete=self.beat)
        self.gateway = Gateway(
            self.log,
            directory,
            REST,
            self.tables,  # type: ignore[arg-type]
            lambda: NOW,
            body_seconds=self.body_seconds,
            database_seconds=self.database_seconds,
        )
        self.application = application(self.gateway)

    async def call(self, method: str, path: str, **told: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.application, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            return await client.request(method, path, **told)

    async def post(self, posted: Posted, token: str | None = None) -> httpx.Response:
        """With its own assertion, unless told otherwise."""
        return await self.send(json.dumps(body(posted)).encode(), asserted(posted) if token is None else token)

    async def send(self, content: bytes, token: str, **headers: str) -> httpx.Response:
        given = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        return await self.call("POST", "/v1/inquiries", content=content, headers=given | headers)

    async def read(self, exchange: str, token: str, page: str = "") -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        return await self.call("GET", f"/v1/exchanges/{exchange}{page}", headers=headers)

    def published(self) -> list[Message]:
        return self.log.all(topics.outbound_requested)

    def accept(self, posted: Posted) -> None:
        """As exchange does some time after the publication."""
        place = (posted.question.sender, posted.question.id)
        self.tables.accepted[place] = REST.request(place[0], DEFAULT_SYSTEM, posted.content)


def inquiry(number: str = "SYN0000001", year: int = 2026, **control: Any) -> Posted:
    """The example, or another."""
    said = canonical.encode(examples.INQUIRY["control"] | control)
    return read_request(said, number.encode(), canonical.encode({"period": {"year": year}}))


def body(posted: Posted) -> dict[str, Any]:
    return {
        "control": json.loads(posted.control),
        "subject": posted.number.decode(),
        "business": json.loads(posted.business),
    }


def asserted(posted: Posted, by: str = "", expires: int = EXPIRES) -> str:
    """By the sender's own system, unless told otherwise."""
    key = SYSTEMS[by or posted.question.sender].private
    return assert_request(posted, key.kid, to_bytes(key.private), expires)


def reading(exchange: str, agency: str = ASKER, by: str = "", expires: int = EXPIRES) -> str:
    key = SYSTEMS[by or agency].private
    return assert_read(agency, exchange, key.kid, to_bytes(key.private), expires)


def is_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The response is this problem; returns its body."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = response.json()
    assert said["type"] == f"urn:renkei:problem:{code}"
    assert said["status"] == status
    assert said["title"].isascii()
    assert not said["title_ja"].isascii()
    return said
