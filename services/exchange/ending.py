"""How an exchange ends: an answer or a refusal, kept for its asker and published on `exchange.completed`.

It is kept sealed under the asker's data key, for the control part that stands beside it. What is published is sealed to
the posting system that asked, and nobody else opens it: a JWE. Consumers deduplicate on exchange id and position, since a
record may come again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from schemas import jwe, topics
from schemas.control import Control
from schemas.message import Emit, Message, Outcome
from schemas.refusal import Refusal, Retry, part_of
from schemas.text import instant
from schemas.trail import Finding, extended
from services.exchange.store import Finished
from services.runtime import records
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.rest import AtRest

State = Literal["answered", "refused"]


@dataclass(frozen=True)
class Ending:
    """The control part of what ended an exchange, its business part in clear and sealed at rest, and who asked."""

    agency: str
    exchange: str
    position: int
    state: State
    control: bytes
    business: bytes = field(repr=False)
    value: bytes
    sealed: bytes
    refusal: Refusal | None = None
    request: str = ""
    """Set where a request was refused that belongs to no exchange of its own: an id that was used before."""

    def finished(self, completed: str) -> Finished:
        """The row that the asker reads."""
        return Finished(
            (self.agency, self.exchange), self.state, completed, self.control, self.value, self.sealed.decode()
        )

    @property
    def event(self) -> str:
        """By which readers deduplicate."""
        return self.request or f"{self.exchange}/{self.position}"

    @property
    def answer(self) -> bytes:
        """What the gateway shows too, as canonical JSON: both parts are that already."""
        said = b'{"business":%b,"control":%b,"exchange":"%b","state":"%b"}'
        return said % (self.business, self.control, self.exchange.encode(), self.state.encode())

    def completed(self, message: Message, system: str, keys: "AnswerKeys") -> Emit:
        """The record on `exchange.completed`: a CloudEvent in binary mode. Every reader of the topic sees its headers, so
        they say no more than whose exchange has ended, and how."""
        value, named = keys.seal(self, system)
        headers = {
            "ce_specversion": b"1.0",
            "ce_type": f"renkei.{'request' if self.request else 'exchange'}.{self.state}".encode(),
            "ce_source": f"/agencies/{self.agency}".encode(),
            "ce_id": self.event.encode(),
            **named,
        }
        return message.caused(topics.exchange_completed, value, headers)

    def of_request(self, message: Message) -> "Ending":
        """The same of one request alone, not of the exchange that its id names: an event with an id and a type of its own."""
        return replace(self, request=f"{self.exchange}/{message.source}")

    def finding(self, layer: str, directory: Directory) -> Finding:
        """What the ledger is told."""
        return records.finding(layer, self.refusal or "completed", directory)


@dataclass(frozen=True)
class AnswerKeys:
    """The answer keys of posting systems, as the directory has them now."""

    directory: Directory
    clock: Clock

    def seal(self, ending: Ending, system: str) -> tuple[bytes, Mapping[str, bytes]]:
        """The value for a system, and the headers that say what it is; nothing where the system has no valid key."""
        record = self.directory.answer_key(ending.agency, system, instant(self.clock()))
        if record is None:
            return b"", {}
        addressed = jwe.Addressed(ending.event, ending.agency, system)
        media_type = jwe.MEDIA_TYPE.encode()
        return jwe.sealed(ending.answer, record, addressed), {
            "content-type": media_type,
            "ce_datacontenttype": media_type,
        }


def answering(message: Message, business: bytes) -> Ending:
    """A response or refusal of the other side or the hub: already sealed at rest for this agency."""
    control = message.control
    return Ending(
        agency=message.key,
        exchange=control.exchange,
        position=control.position,
        state="answered" if control.kind == "response" else "refused",
        control=message.headers["control"],
        business=business,
        value=message.value,
        sealed=message.headers["sealed"],
    )


def refusing(control: bytes, refusal: Refusal, message: Message, rest: AtRest, retry: Retry | None = None) -> Ending:
    """The own side's refusal, beside the inquiry's own control part; `retry` where it is not the code's own."""
    said = Control.model_validate_json(control)
    business = part_of(refusal.code, refusal.rule, retry).encoded()
    sealed = rest.seal(said.sender, control, {"value": business})
    return Ending(
        agency=said.sender,
        exchange=said.exchange,
        position=said.position,
        state="refused",
        control=control,
        business=business,
        value=sealed["value"],
        sealed=sealed["sealed"],
        refusal=refusal,
    )


def told(message: Message, ending: Ending, layer: str, system: str, keys: AnswerKeys) -> list[Outcome]:
    """What the asking system and the ledger are told of a request; nothing of what was posted with it."""
    findings = extended(b"", ending.finding(layer, keys.directory))
    bare = replace(message, value=b"", headers={"control": ending.control})
    return [ending.completed(bare, system, keys), records.recorded(bare, topics.intermediate_recorded, findings)]
