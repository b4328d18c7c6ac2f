"""What the pages do: publish a request whose assertion holds, and read what exchange shows of the agency's exchanges."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas import canonical, topics
from schemas.message import Message
from schemas.refusal import Refusal, RefusalCode, SecurityEvent
from schemas.request import SUBJECT_LIMIT, Posted, ReadClaims, check_assertion, read_request, verified
from services.gateway import problem, store
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.log import Log
from services.runtime.postgres import Database
from services.runtime.rest import AtRest

LIMIT: Final = 1024 * 1024
"""Bytes of a request; everything larger is refused before it is parsed."""


class Inquiry(BaseModel):
    """An inquiry as it is posted: control part, the person's internal number, business part with the inquiry's keys."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    control: Annotated[dict[str, Any], Field(description="id, sender, receiver, basis, item, officer")]
    subject: Annotated[str, Field(max_length=SUBJECT_LIMIT, description="internal number (既存番号), never 個人番号")]
    business: Annotated[dict[str, Any], Field(description="period and condition (照会キー)")]


@dataclass(frozen=True)
class Gateway:
    """What the pages need."""

    log: Log
    directory: Directory
    rest: AtRest
    database: Database
    clock: Clock

    async def post(self, body: bytes, assertion: bytes, headers: Mapping[str, str]) -> str:
        """Publishes the request and returns the exchange's id, once the log has acknowledged it."""
        self.directory.require_fresh()
        posted = self._posted(body, assertion)
        question = posted.question
        if self.rest.keys.get(question.sender) is None:
            raise problem.NOT_SERVED
        onward = {
            "control": posted.control,
            "subject": posted.number,
            "assertion": assertion,
            "traceparent": headers.get("traceparent", "")[:64].encode(),
            "ce_specversion": b"1.0",
            "ce_type": b"renkei.inquiry.requested",
            "ce_source": f"/agencies/{question.sender}".encode(),
            "ce_id": question.id.encode(),
            "content-type": b"application/json",
        }
        kept = {name: data for name, data in onward.items() if data}
        message = Message(key=question.sender, value=posted.business, headers=kept)
        await self.log.publish([(topics.outbound_requested, message)])
        return question.id

    async def progress(self, exchange: str, assertion: bytes) -> store.Row:
        """The exchange of the agency that the assertion names; another's does not exist."""
        self.directory.require_fresh()
        try:
            claims = verified(assertion, self.directory.key, self._now, ReadClaims)
        except SecurityEvent:
            raise problem.UNASSERTED from None
        if claims.exchange != exchange:
            raise problem.UNASSERTED
        async with self.database.transaction({claims.iss}) as connection:
            row = await store.progress(connection, claims.iss, exchange)
        if row is None:
            raise problem.UNKNOWN
        return row

    async def answer(self, exchange: str, assertion: bytes) -> tuple[store.Row, bytes]:
        """The same with the business part of what ended it, in clear."""
        row = await self.progress(exchange, assertion)
        if row.control is None or row.value is None or row.sealed is None:
            raise problem.UNANSWERED
        return row, self.rest.open_part(row.agency, row.sealed, "value", row.control, row.value)

    def _posted(self, body: bytes, assertion: bytes) -> Posted:
        """The request in canonical form, once its assertion holds."""
        inquiry = _read(body)
        control, business = json.dumps(inquiry.control).encode(), json.dumps(inquiry.business).encode()
        try:
            posted = read_request(control, inquiry.subject.encode(), business)
            check_assertion(posted, assertion, self.directory.key, self._now)
        except SecurityEvent:
            raise problem.UNASSERTED from None
        except Refusal as refusal:
            raise (
                problem.TOO_LARGE if refusal.code == RefusalCode.TOO_LARGE else problem.malformed(refusal.rule)
            ) from None
        return posted

    @property
    def _now(self) -> float:
        return self.clock().timestamp()


def _read(body: bytes) -> Inquiry:
    try:
        return Inquiry.model_validate(canonical.normalised(canonical.read(body)))
    except canonical.Malformed as error:
        raise problem.malformed(str(error)) from None
    except ValidationError:
        raise problem.malformed("expected control, subject and business") from None
