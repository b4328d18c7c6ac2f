"""Sign and seal what goes out; verify, refuse replays and open what comes in (暗号・署名機能)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from schemas import topics
from schemas.control import FACELESS
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal
from schemas.trail import extended
from services.crypto.opening import Opener
from services.crypto.receiving import Receiver
from services.crypto.sealing import Sealer, signed
from services.runtime.directory import Directory
from services.runtime.postgres import database
from services.runtime.records import finding, giving_back, recorded, refused
from services.runtime.rest import AtRest
from services.runtime.service import Environment, Service
from services.runtime.wrapping import ContentKeys

NAME = "crypto"


@dataclass(frozen=True)
class Crypto:
    """What the two steps need."""

    sealer: Sealer
    receiver: Receiver
    directory: Directory


async def seal_outbound(messages: Sequence[Message], crypto: Crypto) -> list[Outcome]:
    """Every message leaves sealed and signed, or is refused because a key is missing."""
    outcomes: list[Outcome] = []
    sealed = []
    for message in messages:
        try:
            sealed.append((message, crypto.sealer.seal(message)))
        except Refusal as refusal:
            outcomes += _unsealed(message, refusal, crypto.directory)
    for (message, _), envelope in zip(sealed, signed([one for _, one in sealed]), strict=True):
        headers = {"sealed": b"", "subject": b"", **envelope.headers()}
        outcomes.append(message.carried(topics.outbound_sealed, envelope.value, **headers))
    return outcomes


async def open_inbound(messages: Sequence[Message], crypto: Crypto) -> list[Outcome]:
    """Every message is opened once; a redelivery is opened again, a copy ends here, a forgery is a security event."""
    return await crypto.receiver.receive(messages)


def _unsealed(message: Message, refusal: Refusal, directory: Directory) -> list[Outcome]:
    """A refusal that cannot be sealed is not refused in its turn: it ends here, recorded."""
    if message.control.kind in FACELESS:
        findings = extended(message.headers.get("trail", b""), finding(NAME, refusal, directory))
        return [Drop(message.position, "unsendable"), recorded(message, topics.linkage_recorded, findings)]
    return [*refused(message, NAME, refusal, directory, topics.linkage_recorded, topics.outbound_refused)]


@asynccontextmanager
async def open_crypto(environment: Environment) -> AsyncIterator[Crypto]:
    """The linkage key rings of this site's agencies, and the table of messages seen."""
    keys, directory, clock = environment.keys, environment.directory, environment.clock
    rest = AtRest(keys, clock)
    async with database(environment) as store:
        sealer = Sealer(keys, rest, directory, ContentKeys(clock), clock)
        yield Crypto(sealer, Receiver(Opener(keys, directory, clock), rest, directory, store), directory)


service = Service(
    NAME,
    "linkage",
    reads={topics.outbound_authorized: seal_outbound, topics.inbound_authorized: open_inbound},
    writes=[
        topics.outbound_sealed,
        topics.inbound_opened,
        topics.outbound_refused,
        topics.outbound_authorized,
        topics.linkage_recorded,
    ],
    aside={topics.outbound_authorized: giving_back(NAME, topics.linkage_recorded)},
    resources=open_crypto,
    tables=True,
    ring="linkage",
)
