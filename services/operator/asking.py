"""Posts an inquiry as a business system does, over HTTP or Kafka, and waits for its answer."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

import httpx

from schemas import canonical, topics
from schemas.control import Basis, Item, Officer, Question
from schemas.directory import DEFAULT_SYSTEM
from schemas.message import Message
from schemas.request import Posted, assert_read, assert_request, read_request
from services.operator import answers
from services.operator.identifiers import uuid7
from services.operator.installation import Installation
from services.operator.keys.enrolment import assertion_key
from services.operator.waiting import reached
from services.runtime.errors import Unavailable
from services.runtime.kafka.log import KafkaLog

ASSERTED_SECONDS = 300


@dataclass(frozen=True)
class Answer:
    """What the asker has in the end: the exchange's state, and the business part if it ended."""

    exchange: str
    state: str
    business: dict[str, Any]
    sender: str = ""
    """Who answered or refused: the own side, the other agency, or the hub."""

    @property
    def outcome(self) -> str:
        """In one word: the refusal's code, the answer's outcome, or `waiting`."""
        if self.state == "refused":
            return str(self.business["code"])
        return str(self.business.get("outcome", self.state))


def inquiry(
    sender: str,
    receiver: str,
    number: str,
    basis: Basis,
    item: Item,
    officer: Officer,
    year: int,
    exchange: str = "",
    expires: str | None = None,
) -> Posted:
    """A request for one fiscal year of an item."""
    question = Question(
        id=exchange or uuid7(),
        sender=sender,
        receiver=receiver,
        basis=basis,
        item=item,
        officer=officer,
        expires=expires,
    )
    return read_request(question.encoded(), number.encode(), canonical.encode({"period": {"year": year}}))


def asserted(installation: Installation, posted: Posted, system: str = DEFAULT_SYSTEM) -> str:
    """The assertion of a posting system of the sender."""
    key = assertion_key(installation, posted.question.sender, system)
    return assert_request(posted, key.kid, key.secret, int(time.time()) + ASSERTED_SECONDS)


async def post_http(installation: Installation, posted: Posted, system: str = DEFAULT_SYSTEM) -> httpx.Response:
    """`POST /v1/inquiries`."""
    body = {
        "control": json.loads(posted.control),
        "subject": posted.number.decode(),
        "business": json.loads(posted.business),
    }
    async with _client(installation) as client:
        headers = {"Authorization": f"Bearer {asserted(installation, posted, system)}"}
        return await client.post("/v1/inquiries", json=body, headers=headers)


def require_taken(response: httpx.Response) -> None:
    """Nothing if the gateway took the inquiry over; else its own sentence: `Unavailable` if the fault is not the request's."""
    if response.status_code == httpx.codes.ACCEPTED:
        return
    said = f"the gateway has not taken the inquiry ({response.status_code}): {_sentence(response)}"
    if response.is_server_error:
        raise Unavailable(f"{said} See `renkei status`.")
    raise ValueError(said)


def _sentence(response: httpx.Response) -> str:
    """Title and detail of a problem (RFC 9457); the HTTP phrase where the answer is none."""
    try:
        problem = response.json()
        return " ".join(str(problem[name]) for name in ("title", "detail") if name in problem)
    except (ValueError, TypeError):
        return response.reason_phrase


async def post_kafka(installation: Installation, posted: Posted) -> None:
    """The same straight to `outbound.requested`, as a CloudEvent in binary mode."""
    log = KafkaLog(installation.kafka())
    try:
        await log.publish([(topics.outbound_requested, posted_record(posted, asserted(installation, posted)))])
    finally:
        await log.close()


def posted_record(posted: Posted, assertion: str) -> Message:
    """The record that a producer writes."""
    question = posted.question
    headers = {
        "control": posted.control,
        "subject": posted.number,
        "assertion": assertion.encode(),
        "ce_specversion": b"1.0",
        "ce_type": b"renkei.inquiry.requested",
        "ce_source": f"/agencies/{question.sender}".encode(),
        "ce_id": question.id.encode(),
        "content-type": b"application/json",
    }
    return Message(key=question.sender, value=posted.business, headers=headers)


async def wait(
    installation: Installation, agency: str, exchange: str, seconds: float, system: str = DEFAULT_SYSTEM
) -> Answer:
    """Polls until the exchange has ended, or `seconds` have passed: then its state is `waiting` (or `unknown`).

    `Unavailable` where the gateway cannot tell at the end of that time."""
    deadline = time.monotonic() + seconds
    key = assertion_key(installation, agency, system)
    async with _client(installation) as client:
        while True:  # each request with an assertion of its own moment: it may be waited for longer than one holds
            token = assert_read(agency, exchange, key.kid, key.secret, int(time.time()) + ASSERTED_SECONDS)
            client.headers["Authorization"] = f"Bearer {token}"
            answer = await client.get(f"/v1/exchanges/{exchange}/answer")
            if answer.status_code == httpx.codes.OK:
                body = answer.json()
                return Answer(exchange, body["state"], body["business"], body["control"]["sender"])
            if time.monotonic() > deadline:
                return Answer(exchange, _state(await client.get(f"/v1/exchanges/{exchange}")), {})
            await asyncio.sleep(0.05)


def _state(response: httpx.Response) -> str:
    if response.is_server_error:
        raise Unavailable(f"the gateway cannot tell the state: {_sentence(response)} See `renkei status`.")
    return str(response.json()["state"]) if response.is_success else "unknown"


async def completions(installation: Installation, exchange: str, seconds: float = 10) -> int:
    """How many different answers `exchange.completed` holds for an exchange: repeats are equal, so they count once.

    The table is written before the topic: waits for the first."""

    async def mine() -> set[answers.Event]:
        return {answers.opened(installation, record) for record in await answers.events(installation, exchange)}

    return len(await reached(mine, seconds))


def _client(installation: Installation) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=installation.url("gateway"), timeout=30, trust_env=False)
