"""The control part (制御データ部) of a message: who asks whom for what, by what right, and until when.

message.md section 1. Nothing in it names the person. At most 16 KiB; unknown fields are refused.
"""

from datetime import timedelta
from functools import lru_cache
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from schemas.sentences import ROW_PATTERN, STAFF_PATTERN, Expected
from schemas.text import (
    AgencyCode,
    Digest,
    InquiryId,
    Instant,
    Label,
    MessageId,
    Name,
    PostedInstant,
    Record,
    decoded,
)

LIMIT: Final = 16 * 1024
LIFETIME: Final = timedelta(days=7)
"""Default time between `created` and `expires`."""
LONGEST_LIFE: Final = timedelta(days=31)
SKEW: Final = timedelta(minutes=5)
"""How far two clocks may be apart (message.md section 4)."""

Kind = Literal["inquiry", "response", "notification", "refusal", "receipt"]
"""照会, 応答, 連絡, and the two that the exchange itself needs."""
FACELESS: Final = frozenset({"refusal", "receipt"})
"""Kinds without a subject."""


class Basis(Record):
    """By what right (根拠): a line of 別表第二, named with its edition, never by its number alone."""

    source: Literal["table2", "ordinance", "duty", "own_information"] = "table2"
    edition: Label
    row: Annotated[str, Field(pattern=ROW_PATTERN)]
    branch: Annotated[int, Field(ge=1, le=99)]
    procedure: Name | None = None


class Item(Record):
    """Specific personal information (特定個人情報) by name code and layout version (版番号)."""

    name: Name
    layout: Annotated[int, Field(ge=1, le=9999)]


class Officer(Record):
    """Who handles it: office (部署), official role (職責), id of the member of staff."""

    office: Label
    role: Name
    staff: Annotated[str, Field(pattern=STAFF_PATTERN)]


class Reply(Record):
    """The message answered: its id, its identity M, and SHA-256 of the permit decision it carried."""

    id: MessageId
    message: Digest
    decision: Digest | None = None


class Control(Record):
    """The completed control part; from `exchange` or `routing` on, no byte of it changes."""

    v: Literal[1] = 1
    id: MessageId
    exchange: MessageId
    position: Annotated[int, Field(ge=0, lt=2**31)]
    kind: Kind
    sender: AgencyCode
    receiver: AgencyCode
    on_behalf_of: AgencyCode | None = None
    basis: Basis
    item: Item
    officer: Officer | Literal["auto"]
    created: Instant
    expires: Instant
    mode: Literal["online"] = "online"
    in_reply_to: Reply | None = None
    non_disclosure: Literal[True] | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind in ("response", "refusal", "receipt") and self.in_reply_to is None:
            raise Expected("an answer names the message that it answers")
        if self.kind == "inquiry" and self.officer == "auto":
            raise Expected("an inquiry is somebody's: auto is no officer")
        if self.sender == self.receiver:
            raise Expected("sender and receiver are one agency")
        return self


@lru_cache(4096)
def read_control(data: bytes) -> Control:
    """The control part in `data`; raises `canonical.Malformed`. The last ones stay parsed: every layer reads the same bytes."""
    return decoded(Control, data, LIMIT)


def replying(
    cause: Control,
    kind: Literal["response", "refusal"],
    *,
    id: str,  # noqa: A002  # the field's name
    message: str,
    decision: str | None,
    created: str,
    expires: str,
    sender: str = "",
) -> Control:
    """The control part of an answer to `cause`, by its receiver or by `sender`: parties swapped, same basis and item,
    naming what it answers (応答)."""
    return Control(
        id=id,
        exchange=cause.exchange,
        position=0,
        kind=kind,
        sender=sender or cause.receiver,
        receiver=cause.sender,
        basis=cause.basis,
        item=cause.item,
        officer="auto",
        created=created,
        expires=expires,
        in_reply_to=Reply(id=cause.id, message=message, decision=decision),
        non_disclosure=cause.non_disclosure,
    )


class Question(Record):
    """What a producer posts as the control part of an inquiry; `exchange` completes it (照会依頼)."""

    id: InquiryId
    sender: AgencyCode
    receiver: AgencyCode
    basis: Basis
    item: Item
    officer: Officer
    expires: PostedInstant | None = None
    """Until when an answer is of use; without it for `LIFETIME`, and never longer than `LONGEST_LIFE`."""
    non_disclosure: Literal[True] | None = None

    @model_validator(mode="after")
    def _two_parties(self) -> Self:
        if self.sender == self.receiver:
            raise Expected("sender and receiver are one agency")
        return self

    def completed(self, created: str, expires: str) -> Control:
        """The control part as it will be signed; the first message of its exchange."""
        return Control(
            id=self.id,
            exchange=self.id,
            position=0,
            kind="inquiry",
            sender=self.sender,
            receiver=self.receiver,
            basis=self.basis,
            item=self.item,
            officer=self.officer,
            created=created,
            expires=expires,
            non_disclosure=self.non_disclosure,
        )
