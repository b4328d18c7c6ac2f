"""What somebody puts straight onto the wire: recorded as a security event, opened by nobody, answered to nobody."""

import hashlib
import os
from dataclasses import replace

from schemas import topics
from schemas.directory import HUB
from schemas.message import Message
from schemas.text import instant
from schemas.topics import Topic
from schemas.wire.envelope import Envelope
from schemas.wire.seal import commit, seal_subject
from services.crypto.sealing import Sealed, signed
from services.operator.demo import ANOTHER, APPLICANT, ASKER, NEIGHBOUR, bypassing
from services.operator.demo.inquiring import ask, inquiry
from services.operator.demo.insider import Insider, insider
from services.operator.demo.witnessing import overtaken, record_of, records, security_event
from services.operator.history.steps import Block
from services.operator.installation import Installation
from services.operator.tables import now


async def altered(installation: Installation) -> str:
    """One bit of a sealed message that was delivered."""
    record = await _delivered(installation)
    forged = replace(record, value=bytes([record.value[0] ^ 1]) + record.value[1:])
    return await _put(installation, topics.network_delivered, forged, "linkage")


async def replayed(installation: Installation) -> str:
    """The very record that was delivered, put there again."""
    return await _put(installation, topics.network_delivered, await _delivered(installation), "linkage")


async def permit_of_another(installation: Installation) -> str:
    """A delivered message with the permit of another one, made to name what this one's sender signed."""
    record, other = await _delivered(installation), await _delivered(installation)
    signed_for = Envelope.of(record).permits.subject
    permit = Envelope.of(other).permits.model_copy(update={"subject": signed_for}).encoded()
    forged = replace(record, headers={**record.headers, "permit": permit})
    return await _put(installation, topics.network_delivered, forged, "linkage")


async def about_another(installation: Installation) -> str:
    """A sender commits to one person for the receiver, and seals another one for the hub: rightly signed."""
    forger, posted = await insider(installation), inquiry(NEIGHBOUR, APPLICANT)
    code = await forger.link_code(ASKER, ANOTHER.encode())
    [envelope] = signed([_exchanged(forger, await forger.sealed(posted), posted.business, code)])
    forged = Message(ASKER, envelope.value, envelope.headers())
    return await _put(installation, topics.network_submitted, forged, "hub")


def _exchanged(forger: Insider, sealed: Sealed, business: bytes, code: bytes) -> Sealed:
    """The same message with another person in U, and the leaf that goes with it."""
    envelope, sealer = sealed.envelope, forger.sealer
    control, hub = envelope.said, sealer.directory.current(HUB, "wrap", instant(now()))
    assert hub is not None
    salt = sealer.keys.of(control.sender).current("salt", control.created).secret
    committed = commit(control, envelope.control, business, code, salt)
    key = sealer.content_keys.for_receiver(hub)
    subject = seal_subject(key, os.urandom(12), envelope.identity, committed.subject_salt, code)
    leaf = envelope.leaf(hashlib.sha256(subject).digest())
    return Sealed(sealed.signer, replace(envelope, subject=subject), leaf)


async def _delivered(installation: Installation) -> Message:
    """The record of a question on the wire, which was asked and answered as it should be."""
    answer = await ask(installation, inquiry(NEIGHBOUR, APPLICANT))
    return await record_of(installation, topics.network_delivered, answer.exchange, NEIGHBOUR)


async def _put(installation: Installation, topic: Topic, forged: Message, block: Block) -> str:
    """Which security event it meets, and how much more of its exchange is opened and told to the asker than before."""
    exchange = forged.control.exchange
    before = await _effects(installation, exchange)
    await bypassing.publish(installation, [(topic, forged)])
    event = await security_event(installation, block, exchange)
    await overtaken(installation)
    opened, answered = (now - was for now, was in zip(await _effects(installation, exchange), before, strict=True))
    return f"{event}, {opened} opened, {answered} answered"


async def _effects(installation: Installation, exchange: str) -> tuple[int, int]:
    """How often messages of an exchange were opened, and how many were delivered to its asker."""
    opened = await records(installation, topics.inbound_opened, exchange)
    delivered = await records(installation, topics.network_delivered, exchange)
    return len(opened), len([one for one in delivered if one.key == ASKER])
