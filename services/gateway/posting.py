"""What the pages do: publish a request whose assertion holds, and read what exchange shows of the agency's exchanges."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from schemas import canonical, topics
from schemas.assertion import BadAssertion, Reason
from schemas.business import FIELDS as BUSINESS_FIELDS
from schemas.message import Message
from schemas.refusal import Refusal, RefusalCode
from schemas.request import FIELDS as CONTROL_FIELDS
from schemas.request import Claims, Posted, ReadClaims, check_claims, posting_system, read_request, verified
from schemas.text import MessageId, explained
from services.gateway import problem, store
from services.gateway.possible import check_possible
from services.gateway.recent import Recent
from services.gateway.refused import Refused
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.errors import TooLarge, Unavailable
from services.runtime.log import Log
from services.runtime.metrics import Metrics
from services.runtime.postgres import Database
from services.runtime.problem import Declined
from services.runtime.rest import AtRest

BODY_SECONDS: Final = 10.0
"""In which a whole request has to arrive: 64 KiB at 64 kbit/s."""
DATABASE_SECONDS: Final = 5.0
"""In which the database has to answer; each query is of one row by its primary key."""

T = TypeVar("T")


@dataclass(frozen=True)
class Gateway:
    """What the pages need."""

    log: Log
    directory: Directory
    rest: AtRest
    database: Database
    clock: Clock
    metrics: Metrics = field(default_factory=Metrics)
    recent: Recent = field(default_factory=Recent)
    body_seconds: float = BODY_SECONDS
    database_seconds: float = DATABASE_SECONDS

    @cached_property
    def refused(self) -> Refused:
        """Counts assertions that do not hold."""
        return Refused(self.metrics, self.clock)

    def posting(self, assertion: bytes) -> Claims:
        """What the assertion says of a request that is not read yet, once signature, issuer and expiry hold."""
        claims: Claims = self._claims(assertion, Claims)
        if self.rest.keys.get(claims.iss) is None:
            raise Declined(problem.NOT_SERVED)
        return claims

    async def post(self, posted: Posted, assertion: bytes, traceparent: str) -> str:
        """The exchange's id, once the request is accepted or the log has acknowledged it; another one's id is declined.

        What is remembered stands in the log, so that a failed publication leaves nothing behind. Until exchange has accepted
        it the same is published again: the first is dropped where its assertion has expired by the time it is appended."""
        place = (posted.question.sender, posted.question.id)
        digest = self.rest.request(place[0], posting_system(assertion, self.directory.key), posted.content)
        async with self.recent.turn(place):
            accepted = await _within(self.database_seconds, self._accepted(*place))
            if (accepted or self.recent.published.get(place) or digest) != digest:
                raise Declined(problem.REUSED)
            if accepted is None:
                await self._publish(posted, assertion, traceparent)
                self.recent.published.put(place, digest)
        return posted.question.id

    async def progress(self, exchange: str, assertion: bytes) -> store.Row:
        """The exchange of the posting system that signed the assertion; another's does not exist."""
        claims = self._claims(assertion, ReadClaims)
        try:
            EXCHANGE.validate_python(exchange)
        except ValidationError as error:
            raise Declined(problem.malformed(explained(error, "exchange"))) from None
        if claims.exchange != exchange:
            raise BadAssertion(Reason.ANOTHER_REQUEST, "claim exchange: expected the same id as in the path")
        system = posting_system(assertion, self.directory.key)
        row = await _within(self.database_seconds, self._progress(claims.iss, exchange, system))
        if row is None:
            raise Declined(problem.UNKNOWN)
        return row

    async def answer(self, exchange: str, assertion: bytes) -> tuple[store.Row, bytes]:
        """The same with the business part of what ended it, in clear."""
        row = await self.progress(exchange, assertion)
        if row.control is None or row.value is None or row.sealed is None:
            raise Declined(problem.UNANSWERED)
        return row, self.rest.open_part(row.agency, row.sealed, "value", row.control, row.value)

    def _claims(self, assertion: bytes, model: type[Any]) -> Any:
        """Of a fresh directory: one that is silent may lack a revocation."""
        self.directory.require_fresh()
        return verified(assertion, self.directory.key, self.clock().timestamp(), model)

    async def _publish(self, posted: Posted, assertion: bytes, traceparent: str) -> None:
        question = posted.question
        onward = {
            "control": posted.control,
            "subject": posted.number,
            "assertion": assertion,
            "traceparent": traceparent[:64].encode(),
            "ce_specversion": b"1.0",
            "ce_type": b"renkei.inquiry.requested",
            "ce_source": f"/agencies/{question.sender}".encode(),
            "ce_id": question.id.encode(),
            "content-type": b"application/json",
        }
        kept = {name: data for name, data in onward.items() if data}
        message = Message(key=question.sender, value=posted.business, headers=kept)
        try:
            await self.log.publish([(topics.outbound_requested, message)])
        except TooLarge:
            raise Declined(problem.TOO_LARGE) from None

    async def _accepted(self, agency: str, exchange: str) -> bytes | None:
        async with self.database.transaction({agency}) as connection:
            return await store.accepted(connection, agency, exchange)

    async def _progress(self, agency: str, exchange: str, system: str) -> store.Row | None:
        async with self.database.transaction({agency}) as connection:
            return await store.progress(connection, agency, exchange, system)


def read(body: bytes, claims: Claims) -> Posted:
    """The request in canonical form, if it has the required form, is the one that was asserted, and can succeed."""
    try:
        control, subject, business = _parts(canonical.read(body))
        posted = read_request(canonical.encode(control), subject.encode(), canonical.encode(business))
        check_claims(posted, claims)
    except canonical.Malformed as error:
        raise Declined(problem.malformed(canonical.placed(error, FIELDS))) from None
    except Refusal as refusal:
        wrong = problem.TOO_LARGE if refusal.code == RefusalCode.TOO_LARGE else problem.MALFORMED
        raise Declined(problem.detailed(wrong, refusal.rule)) from None
    check_possible(posted)
    return posted


FIELDS: Final = CONTROL_FIELDS | BUSINESS_FIELDS | {"control", "subject", "business"}
"""Names that an error may repeat: those of the form."""
EXCHANGE: Final[TypeAdapter[str]] = TypeAdapter(MessageId, config=ConfigDict(hide_input_in_errors=True))


def _parts(value: Any) -> tuple[dict[str, Any], str, dict[str, Any]]:
    match value:
        case {"control": dict(control), "subject": str(subject), "business": dict(business), **others} if not others:
            return control, subject, business
    raise canonical.Malformed(
        "expected an object of control (an object), subject (a string) and business (an object) alone"
    )


async def _within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; `Unavailable` after so long, without waiting for its end.

    asyncio.timeout would wait: the driver takes leave of a server even where that has stopped listening."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # retrieved, whoever waits for it still
    try:
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            raise Unavailable("the database does not answer")
        return task.result()
    finally:
        task.cancel()
