"""The hub's step on a real database: nothing is stored or delivered before every check holds, and what came before is known."""

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest

from schemas import topics
from schemas.control import replying
from schemas.directory import HUB
from schemas.message import Drop, Message, Outcome
from schemas.refusal import Refusal, RefusalCode, RefusalPart, SecurityCode
from schemas.text import later, to_text
from schemas.trail import read
from schemas.wire.envelope import Envelope
from services.crypto.opening import Opener
from services.hub import store
from services.hub.checking import answers
from services.hub.judging import NAME
from services.hub.permitting import PERMITTED, Note
from services.hub.service import Hub, permit
from services.runtime import decisions
from services.runtime.decisions import Decided
from services.runtime.postgres import Database
from tests.checks import submission, tables
from tests.checks.faults import Fault, every, sent
from tests.checks.parties import CORE, RECEIVER, SENDER, Parties
from tests.checks.submission import (
    ASKED,
    CHAIN,
    DECISION,
    FACELESS_FAULTS,
    INQUIRY_FAULTS,
    D,
    Submission,
    answer,
    inquiry,
    refusal,
)
from tests.vectors.world import CREATED, EDITION, EXPIRES, NOW

NO_PUBLISHER: Final[Any] = None
HOUR: Final = timedelta(hours=1)
COUNTED: Final = "SELECT (SELECT count(*) FROM hub.decisions), (SELECT count(*) FROM hub.provisions)"
SECURITY: Final = [one for one in (*CHAIN, *INQUIRY_FAULTS) if isinstance(one.code, SecurityCode)]


@dataclass(frozen=True)
class Stand:
    """The hub's tables, with the persons and what was permitted before."""

    dsn: str
    database: Database

    async def permit(self, parties: Parties, messages: Sequence[Message]) -> list[Outcome]:
        """The step itself."""
        judge = parties.judge
        return await permit(messages, Hub(judge, judge.permitter, NO_PUBLISHER, self.database))

    async def prepare(self, draft: Submission) -> None:
        """What the hub knows when the draft arrives: the inquiry that it answers, the id that was used."""
        asked, known = draft.asked, draft.known
        async with self.database.transaction({HUB, SENDER, RECEIVER, "221007"}) as connection:
            if asked is not None:
                decision = DECISION if asked.decision == D else DECISION.model_copy(update={"directory": 1})
                note = Note(decision=decision, time=CREATED).encoded().decode()
                where = (asked.sender, "permit", asked.sender, ASKED)
                before = Decided(where, asked.message, "network.submitted/1/0", PERMITTED, note, asked.expires)
                await decisions.settle(connection, [before])
                await store.record(connection, [(asked, CREATED)])
            if known is not None:
                await decisions.settle(connection, [known])

    def counted(self) -> tuple[int, int]:
        """Decisions and provisions."""
        [(decided, provided)] = tables.rows(self.dsn, COUNTED)
        return decided, provided


@pytest.fixture(scope="module")
def dsn(postgres: str) -> Iterator[str]:
    with tables.database(postgres) as made:
        yield made


@pytest.fixture
async def stand(dsn: str) -> AsyncIterator[Stand]:
    async with tables.opened(dsn, "hub") as database:
        async with database.transaction({HUB}) as connection:
            assert max(await store.add_persons(connection, CORE)) == CORE
        yield Stand(dsn, database)


def found(message: Message) -> tuple[str, str]:
    """Layer and outcome of the one finding of a record; nothing else of the message is in it."""
    assert set(message.headers) <= {"control", "trail"}
    assert message.value == b""
    [finding] = read(message.headers["trail"]).findings
    return finding.layer, finding.outcome


async def spoilt(stand: Stand, draft: Submission, fault: Fault[Submission]) -> list[Outcome]:
    fault.spoil(draft)
    await stand.prepare(draft)
    return await stand.permit(draft.parties, [draft.message()])


# — one fault


@every(SECURITY)
async def test_a_security_event_stores_and_delivers_nothing(stand: Stand, fault: Fault[Submission]) -> None:
    """It is dropped under its code and recorded on `hub.recorded`; nobody is answered, no id is burnt."""
    draft = (inquiry if fault in INQUIRY_FAULTS else answer)(Parties())
    fault.spoil(draft)
    await stand.prepare(draft)
    before = stand.counted()
    dropped, recorded = await stand.permit(draft.parties, [draft.message()])
    assert isinstance(dropped, Drop)
    assert dropped.reason == fault.code
    [(topic, record)] = sent([recorded])
    assert (topic, found(record)) == ("hub.recorded", (NAME, fault.code))
    assert stand.counted() == before


@every([one for one in (*CHAIN, *INQUIRY_FAULTS) if isinstance(one.code, RefusalCode)])
async def test_a_refusal_is_answered_and_nothing_is_permitted(stand: Stand, fault: Fault[Submission]) -> None:
    """The sender gets it in the hub's name, signed and sealed; the decision is stored, no provision of information."""
    draft = (inquiry if fault in INQUIRY_FAULTS else answer)(Parties())
    outcomes = await spoilt(stand, draft, fault)
    (first, answered), (second, record) = sent(outcomes)
    assert (first, second) == ("network.delivered", "hub.recorded")
    assert found(record) == (NAME, fault.code)
    opener = Opener(draft.parties.senders_keys, draft.parties.directory, draft.parties.clock)
    opened = opener.open(*opener.verify(answered))
    assert RefusalPart.model_validate_json(opened.business).code == fault.code
    assert (answered.key, answered.control.sender, "permit" in answered.headers) == (SENDER, HUB, False)
    verdicts = tables.rows(stand.dsn, f"SELECT verdict FROM hub.decisions WHERE id <> '{ASKED}'")
    assert verdicts == [(str(fault.code),)]
    assert tables.rows(stand.dsn, f"SELECT id FROM hub.provisions WHERE id <> '{ASKED}'") == []


@every(FACELESS_FAULTS)
async def test_a_refusal_is_never_refused(stand: Stand, fault: Fault[Submission]) -> None:
    """What is wrong with one ends here, recorded under its code."""
    outcomes = await spoilt(stand, refusal(Parties()), fault)
    dropped = outcomes[0]
    assert isinstance(dropped, Drop)
    assert dropped.reason == (fault.code if isinstance(fault.code, SecurityCode) else "unanswerable")
    [(topic, record)] = sent(outcomes)
    assert (topic, found(record)) == ("hub.recorded", (NAME, fault.code))


async def test_everything_in_one_batch(stand: Stand) -> None:
    """Forgeries stop nothing and nobody: what is right is permitted among them, and recorded."""
    parties = Parties()
    good, bad, worse = (inquiry(parties) for _ in range(3))
    submission.forged(bad)
    bad.said["id"] = "019ab1c2-0000-7000-8000-000000000002"
    submission.too_large(worse)
    outcomes = await stand.permit(parties, [one.message(place) for place, one in enumerate((bad, good, worse))])
    assert [one.reason for one in outcomes if isinstance(one, Drop)] == ["malformed", "bad_signature"]
    assert [topic for topic, _ in sent(outcomes)].count("network.delivered") == 1
    assert sorted(found(message)[1] for topic, message in sent(outcomes) if topic == "hub.recorded") == [
        "allowed",
        "bad_signature",
        "malformed",
    ]
    assert stand.counted() == (1, 1)


# — what came before


@pytest.mark.check("hub: (sender, id)")
async def test_the_same_source_again_is_permitted_again(stand: Stand) -> None:
    """The same decision D under a permit of its own time, whatever clock and rules say now."""
    parties = Parties()
    draft = inquiry(parties)
    draft.said["expires"] = "2026-11-24T10:00:00.000Z"
    message = draft.message()
    [(_, first), _] = sent(await stand.permit(parties, [message]))
    parties.now = later(NOW, HOUR)
    parties.directory.fold([parties.beat(EDITION)])
    parties.directory.assessments.clear()
    [(topic, again), _] = sent(await stand.permit(parties, [message]))
    assert topic == "network.delivered"
    one, two = (Envelope.of(record).permits for record in (first, again))
    assert one.decision == two.decision
    assert one.time < two.time
    assert stand.counted() == (1, 1)


@pytest.mark.check("hub: (sender, id)")
async def test_another_source_with_the_same_content_is_a_copy(stand: Stand) -> None:
    """Counted, neither delivered nor recorded: `network` may submit what it has submitted before."""
    parties = Parties()
    await stand.permit(parties, [inquiry(parties).message(0)])
    [copy] = await stand.permit(parties, [inquiry(parties).message(1)])
    assert isinstance(copy, Drop)
    assert copy.reason == "copy"
    first, second = (inquiry(parties).message(offset) for offset in (2, 3))
    assert [one.reason for one in await stand.permit(parties, [first, second]) if isinstance(one, Drop)] == ["copy"] * 2
    assert stand.counted() == (1, 1)


@pytest.mark.check("hub: (sender, id)")
@pytest.mark.code("id_reused")
async def test_other_content_under_an_id_is_a_security_event(stand: Stand) -> None:
    """Another business part, or another person, also within one batch; what stands stays."""
    parties = Parties()
    other, third = inquiry(parties), inquiry(parties)
    other.business = b'{"period":{"year":2025}}'
    third.link_code = parties.codes.issue(SENDER, CORE - 1).encode()
    outcomes = await stand.permit(parties, [inquiry(parties).message(0), other.message(1)])
    outcomes += await stand.permit(parties, [third.message(2)])
    assert [one.reason for one in outcomes if isinstance(one, Drop)] == ["id_reused"] * 2
    recorded = [found(message)[1] for topic, message in sent(outcomes) if topic == topics.hub_recorded.name]
    assert sorted(recorded) == ["allowed", "id_reused", "id_reused"]
    assert stand.counted() == (1, 1)


@pytest.mark.check("hub: the only answer")
@pytest.mark.code("not_in_law_table")
@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "one after the other"])
async def test_an_inquiry_has_one_answer(stand: Stand, together: bool) -> None:
    """Of two answers under ids of their own the first is permitted, and again where it comes again; the second is refused."""
    parties = Parties()
    first, second = answer(parties), answer(parties)
    second.said["id"] = "019ab1c2-0000-7000-8000-0000000000ff"
    await stand.prepare(first)
    messages = [first.message(0), second.message(1)]
    batches = [messages] if together else [[one] for one in messages]
    outcomes = [outcome for batch in batches for outcome in await stand.permit(parties, batch)]
    found_ = sorted(found(record) for topic, record in sent(outcomes) if topic == "hub.recorded")
    assert found_ == [(NAME, "allowed"), (NAME, "not_in_law_table")]
    again = sent(await stand.permit(parties, [messages[0]]))
    assert [(topic, record.control.kind) for topic, record in again if topic == "network.delivered"] == [
        ("network.delivered", "response")
    ]
    answered = tables.rows(stand.dsn, f"SELECT answered::text FROM hub.provisions WHERE id = '{ASKED}'")
    assert answered == [(first.control.id,)]


@pytest.mark.check("hub: answer's M and D")
async def test_an_answer_names_what_was_really_permitted(stand: Stand) -> None:
    """M and D as the receiver finds them in the permit are those that the hub's tables give back, and no others pass."""
    parties = Parties()
    [(_, delivered), _] = sent(await stand.permit(parties, [inquiry(parties).message()]))
    envelope, place = Envelope.of(delivered), (SENDER, delivered.control.id)
    async with stand.database.transaction({SENDER}) as connection:
        standing = (await store.permitted(connection, [place]))[place]
    named = {"message": to_text(envelope.identity), "decision": to_text(envelope.permits.decision.digest)}
    assert (to_text(standing.message), to_text(standing.decision)) == tuple(named.values())
    times = {"id": ASKED, "created": CREATED, "expires": EXPIRES}
    answers(replying(delivered.control, "response", **named, **times), CORE, standing, CREATED)
    for name in named:
        other = replying(delivered.control, "response", **{**named, name: to_text(bytes(32))}, **times)
        with pytest.raises(Refusal):
            answers(other, CORE, standing, CREATED)
