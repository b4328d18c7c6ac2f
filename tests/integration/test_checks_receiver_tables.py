"""The receiver's step on a real database: nothing is stored or opened before every check holds, and replays are told apart."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pytest

from schemas.message import Drop, Message, Outcome, Position
from schemas.proof import read as read_proof
from schemas.refusal import RefusalCode, RefusalPart, SecurityCode
from schemas.text import later, to_text
from schemas.trail import read
from schemas.wire.envelope import Envelope
from schemas.wire.frame import keyed
from schemas.wire.seal import subject_commitment
from services.crypto.receiving import NAME, Receiver
from services.runtime.postgres import Database
from services.runtime.rest import LINK
from tests.checks import tables
from tests.checks.delivery import (
    CHAIN,
    HUBS_FAULTS,
    REFUSAL_FAULTS,
    Delivery,
    hubs_refusal,
    inquiry,
    refusal,
    unpermitted,
)
from tests.checks.faults import Fault, every, sent
from tests.checks.parties import CORE, RECEIVER, SENDER, Parties
from tests.checks.submission import INQUIRY
from tests.vectors.world import EXPIRES, PERMITTED

STORED: Final = "SELECT verdict, source FROM crypto.decisions"
MADE: Final = {
    id(fault): make
    for faults, make in ((CHAIN, inquiry), (REFUSAL_FAULTS, refusal), (HUBS_FAULTS, hubs_refusal))
    for fault in faults
}
ALL: Final = [*CHAIN, *REFUSAL_FAULTS, *HUBS_FAULTS]
SECOND: Final = {"time": "2026-11-24T09:00:03.000Z"}
"""When the hub permits it once more."""


@dataclass(frozen=True)
class Stand:
    """The receiver's table of messages seen."""

    dsn: str
    database: Database

    async def receive(self, parties: Parties, *messages: Message) -> list[Outcome]:
        """The step itself."""
        receiver = Receiver(parties.opener, parties.rest, parties.directory, self.database)
        return await receiver.receive(messages)

    def stored(self) -> list[tuple[str, str]]:
        """Verdict and source of every decision."""
        return tables.rows(self.dsn, STORED)


@pytest.fixture(scope="module")
def dsn(postgres: str) -> Iterator[str]:
    with tables.database(postgres) as made:
        yield made


@pytest.fixture
async def stand(dsn: str) -> AsyncIterator[Stand]:
    async with tables.opened(dsn, "crypto") as database:
        yield Stand(dsn, database)


def reasons(outcomes: Sequence[Outcome]) -> list[str]:
    return [one.reason for one in outcomes if isinstance(one, Drop)]


def found(message: Message) -> tuple[str, str]:
    """What this layer found, at the end of the trail; control part and trail are all that the record holds."""
    assert set(message.headers) <= {"control", "trail"}
    assert message.value == b""
    finding = read(message.headers["trail"]).findings[-1]
    return finding.layer, finding.outcome


def source(offset: int) -> str:
    return str(Position("network.delivered", 0, offset))


def another_person(draft: Delivery) -> None:
    """A decision that names another link code of the receiver's, and U' that fits it."""
    world, sealing, code = (
        draft.parties.world,
        draft.sent.signed,
        draft.parties.codes.issue(RECEIVER, CORE + 1).encode(),
    )
    salt = keyed(world.salt_key("hub"), "renkei/salt/permit/1", world.hub, RECEIVER, sealing.committed.identity)
    draft.link_code, draft.decision["subject"] = code, to_text(subject_commitment(salt, code))


# — one fault


@every([fault for fault in ALL if isinstance(fault.code, SecurityCode)])
async def test_a_security_event_stores_and_opens_nothing(stand: Stand, fault: Fault[Delivery]) -> None:
    """It is dropped under its code and recorded on `linkage.recorded`; nobody is answered, no id is burnt."""
    draft = MADE[id(fault)](Parties())
    fault.spoil(draft)
    outcomes = await stand.receive(draft.parties, draft.message())
    assert reasons(outcomes) == [fault.code]
    [(topic, record)] = sent(outcomes)
    assert (topic, found(record)) == ("linkage.recorded", (NAME, fault.code))
    assert stand.stored() == []


@every([fault for fault in ALL if isinstance(fault.code, RefusalCode)])
async def test_a_refusal_is_answered_unopened(stand: Stand, fault: Fault[Delivery]) -> None:
    """Signature and permit hold, so the sender is told; nothing of the content enters the block."""
    draft = MADE[id(fault)](Parties())
    fault.spoil(draft)
    outcomes = await stand.receive(draft.parties, draft.message())
    (first, answered), (second, record) = sent(outcomes)
    assert (first, second) == ("outbound.authorized", "linkage.recorded")
    assert found(record) == (NAME, fault.code)
    said, cause = answered.control, draft.sent.control
    assert (said.kind, said.sender, said.receiver) == ("refusal", RECEIVER, SENDER)
    assert said.in_reply_to is not None
    assert (said.in_reply_to.id, said.in_reply_to.decision is not None) == (cause.id, True)
    part = RefusalPart.model_validate_json(draft.parties.rest.open(answered, "value"))
    assert part.code == fault.code
    assert stand.stored() == [(str(fault.code), source(0))]


@pytest.mark.parametrize("make", [inquiry, refusal, hubs_refusal])
async def test_what_is_right_is_opened_and_remembered(stand: Stand, make: Callable[[Parties], Delivery]) -> None:
    """Content and link code under the receiver's own key, with what was verified; and the trip is recorded."""
    draft = make(Parties())
    message = draft.message()
    (first, opened), (second, record) = sent(await stand.receive(draft.parties, message))
    assert (first, second) == ("inbound.opened", "linkage.recorded")
    assert found(record) == (NAME, "allowed")
    assert draft.parties.rest.open(opened, "value") == draft.sent.business
    if draft.sent.business == INQUIRY:
        link_code = draft.parties.codes.issue(RECEIVER, CORE).encode()
        assert draft.parties.rest.open(opened, "subject") == LINK + link_code
    proof, envelope = read_proof(opened.headers["proof"]), Envelope.of(message)
    assert proof.message == to_text(envelope.identity)
    assert (proof.decision is None) == (make is hubs_refusal)
    if envelope.permit:
        assert proof.decision == to_text(envelope.permits.decision.digest)
        assert proof.time == PERMITTED
    assert stand.stored() == [("opened", source(0))]


async def test_nothing_readable_is_needed(stand: Stand) -> None:
    """A record without a control part stops nobody: the next one is opened."""
    parties = Parties()
    junk = Message(RECEIVER, b"", {}, Position("inbound.authorized", 0, 9), source(9))
    outcomes = await stand.receive(parties, junk, inquiry(parties).message())
    assert reasons(outcomes) == [SecurityCode.MALFORMED]
    assert [topic for topic, _ in sent(outcomes)] == ["linkage.recorded", "inbound.opened", "linkage.recorded"]


# — what came before


@pytest.mark.check("receiver: (sender, id): again")
async def test_the_same_source_again_is_opened_again(stand: Stand) -> None:
    """A redelivery gives what it gave before, though it has expired since."""
    parties = Parties()
    message = inquiry(parties).message()
    await stand.receive(parties, message)
    parties.now = EXPIRES
    assert [topic for topic, _ in sent(await stand.receive(parties, message))] == ["inbound.opened", "linkage.recorded"]
    assert stand.stored() == [("opened", source(0))]


@pytest.mark.check("receiver: (sender, id): again")
@pytest.mark.code("bad_permit")
@pytest.mark.parametrize("spoil", [another_person, unpermitted])
async def test_a_redelivery_is_of_the_decision_that_was_verified(
    stand: Stand, spoil: Callable[[Delivery], None]
) -> None:
    """Whoever claims the source of a decided message cannot put another person under it: signatures are not looked at
    again, so D must be the stored one."""
    parties = Parties()
    await stand.receive(parties, inquiry(parties).message())
    forged = inquiry(parties)
    spoil(forged)
    outcomes = await stand.receive(parties, forged.message())
    assert reasons(outcomes) == [SecurityCode.BAD_PERMIT]
    assert [(topic, found(record)) for topic, record in sent(outcomes)] == [("linkage.recorded", (NAME, "bad_permit"))]
    assert stand.stored() == [("opened", source(0))]


@pytest.mark.check("receiver: (sender, id): replay")
@pytest.mark.code("replayed")
@pytest.mark.parametrize("now", [PERMITTED, EXPIRES, later(EXPIRES, timedelta(days=30))])
async def test_the_very_record_from_another_source_is_replayed(stand: Stand, now: str) -> None:
    """Under the same permit, whenever it comes: recorded, nothing opened, nobody answered, what stands stays."""
    parties = Parties()
    await stand.receive(parties, inquiry(parties).message(0))
    parties.now = now
    outcomes = await stand.receive(parties, inquiry(parties).message(1))
    assert reasons(outcomes) == [SecurityCode.REPLAYED]
    [(topic, record)] = sent(outcomes)
    assert (topic, found(record)) == ("linkage.recorded", (NAME, "replayed"))
    assert stand.stored() == [("opened", source(0))]


@pytest.mark.check("receiver: (sender, id): replay")
@pytest.mark.code("replayed")
async def test_a_replay_in_the_same_batch_is_one(stand: Stand) -> None:
    """The first is opened, the second recorded."""
    parties = Parties()
    outcomes = await stand.receive(parties, inquiry(parties).message(0), inquiry(parties).message(1))
    assert reasons(outcomes) == [SecurityCode.REPLAYED]
    assert [topic for topic, _ in sent(outcomes)].count("inbound.opened") == 1


@pytest.mark.check("receiver: (sender, id): copy")
async def test_another_sending_of_the_hub_is_a_copy(stand: Stand) -> None:
    """It permits anew what it sends again, so a redelivery of its own is counted and no alarm."""
    parties = Parties()
    await stand.receive(parties, inquiry(parties).message(0))
    second = inquiry(parties)
    second.granted |= SECOND
    outcomes = await stand.receive(parties, second.message(1))
    assert (reasons(outcomes), sent(outcomes)) == (["copy"], [])


@pytest.mark.check("receiver: (sender, id): copy")
@pytest.mark.parametrize("make", [refusal, hubs_refusal])
async def test_the_very_refusal_again_is_a_copy(stand: Stand, make: Callable[[Parties], Delivery]) -> None:
    """The hub may compose its own byte for byte again, and permit an agency's twice within one millisecond: no alarm."""
    parties = Parties()
    await stand.receive(parties, make(parties).message(0))
    outcomes = await stand.receive(parties, make(parties).message(1))
    assert (reasons(outcomes), sent(outcomes)) == (["copy"], [])


@pytest.mark.check("receiver: (sender, id): second decision")
@pytest.mark.code("bad_permit")
async def test_a_second_decision_for_one_message_is_an_alarm(stand: Stand) -> None:
    """Two Ds for one M prove the hub guilty."""
    parties = Parties()
    await stand.receive(parties, inquiry(parties).message(0))
    second = inquiry(parties)
    second.decision["directory"] = 41
    outcomes = await stand.receive(parties, second.message(1))
    assert reasons(outcomes) == [SecurityCode.BAD_PERMIT]
    assert [found(record) for _, record in sent(outcomes)] == [(NAME, "bad_permit")]
    assert stand.stored() == [("opened", source(0))]


@pytest.mark.check("receiver: (sender, id): other content")
@pytest.mark.code("id_reused")
async def test_other_content_under_an_id_is_a_security_event(stand: Stand) -> None:
    """However well it is signed and permitted."""
    parties = Parties()
    await stand.receive(parties, inquiry(parties).message(0))
    other = inquiry(parties)
    other.sent.business = b'{"period":{"year":2025}}'
    outcomes = await stand.receive(parties, other.message(1))
    assert reasons(outcomes) == [SecurityCode.ID_REUSED]
    assert [found(record) for _, record in sent(outcomes)] == [(NAME, "id_reused")]
    assert stand.stored() == [("opened", source(0))]
