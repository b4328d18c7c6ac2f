"""How an exchange ends: an answer or a refusal, kept for its asker and published on `exchange.completed`.

Both are sealed under the asker's data key, for the control part that stands beside them. Consumers deduplicate on exchange
id and position, since a record may come again.
"""

from dataclasses import dataclass, replace
from typing import Literal

from schemas import topics
from schemas.control import Control
from schemas.message import Emit, Message, Outcome
from schemas.refusal import Refusal, Retry, part_of
from schemas.trail import Finding, extended
from services.exchange.store import Finished
from services.runtime import records
from services.runtime.directory import Directory
from services.runtime.rest import AtRest

State = Literal["answered", "refused"]


@dataclass(frozen=True)
class Ending:
    """The control part of what ended an exchange, its sealed business part and subject, and who asked."""

    agency: str
    exchange: str
    position: int
    state: State
    control: bytes
    value: bytes
    subject: bytes
    sealed: bytes
    refusal: Refusal | None = None
    request: str = ""
    """Set where a request was refused that belongs to no exchange of its own: an id that was used before."""

    def finished(self, completed: str) -> Finished:
        """The row that the asker reads."""
        return Finished(
            (self.agency, self.exchange), self.state, completed, self.control, self.value, self.sealed.decode()
        )

    def completed(self, message: Message) -> Emit:
        """The record on `exchange.completed`: a CloudEvent in binary mode, for other tools.

        Their SDKs hand on attributes alone, so control part and key id are extension attributes too."""
        headers = {
            "control": self.control,
            "subject": self.subject,
            "sealed": self.sealed,
            "ce_control": self.control,
            "ce_sealed": self.sealed,
            "ce_specversion": b"1.0",
            "ce_type": f"renkei.{'request' if self.request else 'exchange'}.{self.state}".encode(),
            "ce_source": f"/agencies/{self.agency}".encode(),
            "ce_id": (self.request or f"{self.exchange}/{self.position}").encode(),
            "content-type": b"application/octet-stream",
        }
        return message.caused(topics.exchange_completed, self.value, headers)

    def of_request(self, message: Message) -> "Ending":
        """The same of one request alone, not of the exchange that its id names: an event with an id and a type of its own."""
        return replace(self, request=f"{self.exchange}/{message.source}")

    def finding(self, layer: str, directory: Directory) -> Finding:
        """What the ledger is told."""
        return records.finding(layer, self.refusal or "completed", directory)


def answering(message: Message) -> Ending:
    """A response or refusal of the other side or the hub: already sealed at rest for this agency."""
    control = message.control
    return Ending(
        agency=message.key,
        exchange=control.exchange,
        position=control.position,
        state="answered" if control.kind == "response" else "refused",
        control=message.headers["control"],
        value=message.value,
        subject=message.headers.get("subject", b""),
        sealed=message.headers["sealed"],
    )


def refusing(control: bytes, refusal: Refusal, message: Message, rest: AtRest, retry: Retry | None = None) -> Ending:
    """The own side's refusal, beside the inquiry's own control part; `retry` where it is not the code's own."""
    said = Control.model_validate_json(control)
    sealed = rest.seal(said.sender, control, {"value": part_of(refusal.code, refusal.rule, retry).encoded()})
    return Ending(
        agency=said.sender,
        exchange=said.exchange,
        position=said.position,
        state="refused",
        control=control,
        value=sealed["value"],
        subject=b"",
        sealed=sealed["sealed"],
        refusal=refusal,
    )


def told(message: Message, ending: Ending, layer: str, directory: Directory) -> list[Outcome]:
    """What the asker and the ledger are told of a request; nothing of what was posted with it."""
    findings = extended(b"", ending.finding(layer, directory))
    bare = replace(message, value=b"", headers={"control": ending.control})
    return [ending.completed(bare), records.recorded(bare, topics.intermediate_recorded, findings)]
