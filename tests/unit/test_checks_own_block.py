"""What the other layers of the linkage interface check: `network` sizes, `authorization` the control part, `crypto` keys."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from schemas import topics
from schemas.business import LIMIT
from schemas.control import Control
from schemas.directory import AgencyRecord, Hours
from schemas.message import Drop, Emit, Message, Outcome, Position
from schemas.refusal import RefusalCode, RefusalPart, SecurityCode
from schemas.trail import read
from schemas.wire.envelope import LIMITS, VALUE_LIMIT, Envelope
from services.authorization.service import Policy, check_inbound, check_outbound
from services.crypto.opening import Opened
from services.crypto.receiving import Receiver
from services.crypto.sealing import Sealer
from services.crypto.service import Crypto, seal_outbound
from services.hub.judging import Submitted
from services.hub.permitting import Granted
from services.network.service import receive, submit
from services.runtime.memory import MemoryLog
from services.runtime.rest import LINK, AtRest
from services.runtime.wrapping import ContentKeys
from tests.checks import delivery, submission
from tests.checks.parties import CORE, RECEIVER, RULES, SENDER, Parties

NO_RECEIVER: Final[Any] = None
NO_DATABASE: Final[Any] = None
OFFICE_HOURS: Final = Hours(days=["mon", "tue", "wed", "thu", "fri"], starts="08:30", until="17:15")


def dropped(outcomes: list[Outcome]) -> list[str]:
    return [one.reason for one in outcomes if isinstance(one, Drop)]


def emitted(outcomes: list[Outcome]) -> list[tuple[str, Message]]:
    return [(one.topic.name, one.message) for one in outcomes if isinstance(one, Emit)]


def found(message: Message) -> list[tuple[str, str]]:
    return [(one.layer, one.outcome) for one in read(message.headers["trail"]).findings]


# — network


@pytest.mark.check("network: sizes")
@pytest.mark.code("malformed")
@pytest.mark.parametrize("part", [*LIMITS, "value"])
async def test_nothing_over_its_limit_enters_a_block(part: str) -> None:
    """A byte too many in any part: a security event, unparsed; what is at its limit goes on."""
    parties, size = Parties(), {**LIMITS, "value": VALUE_LIMIT}[part]
    whole = delivery.inquiry(parties).message()
    for length, entered in ((size, True), (size + 1, False)):
        large = bytes(length)
        message = (
            Message(whole.key, large, whole.headers, whole.position)
            if part == "value"
            else Message(whole.key, whole.value, {**whole.headers, part: large}, whole.position)
        )
        outcomes = await receive([message], parties.directory)
        assert [topic for topic, _ in emitted(outcomes)] == ["inbound.sealed" if entered else "linkage.recorded"]
        assert dropped(outcomes) == ([] if entered else [SecurityCode.MALFORMED])


async def test_what_belongs_to_the_block_stays_in_it() -> None:
    """Of a delivered record only the envelope is taken over, of a sealed one only that is submitted."""
    parties = Parties()
    whole = delivery.inquiry(parties).message()
    smuggled = Message(whole.key, whole.value, {**whole.headers, "trail": b"t", "proof": b"p", "sealed": b"s"})
    [(_, entered)] = emitted(await receive([smuggled], parties.directory))
    assert set(entered.headers) == set(whole.headers) - {"trail"}
    (_, left), _ = emitted(await submit([whole], parties.directory))
    assert "trail" not in left.headers


# — authorization


def policy_of(parties: Parties) -> Policy:
    """What authorization judges by."""
    return Policy(parties.directory, RULES, MemoryLog(parties.clock))


async def inbound(parties: Parties, message: Message) -> list[Outcome]:
    return list(await check_inbound([message], policy_of(parties)))


@pytest.mark.check("receiver: shape and spelling")
@pytest.mark.code("malformed")
async def test_a_control_part_that_nobody_can_read_is_judged_by_nobody() -> None:
    """Recorded, and it ends there."""
    parties = Parties()
    whole = delivery.inquiry(parties).message()
    spaced = Message(
        whole.key, whole.value, {**whole.headers, "control": whole.headers["control"].replace(b",", b", ")}
    )
    outcomes = await inbound(parties, spaced)
    assert dropped(outcomes) == [SecurityCode.MALFORMED]
    assert [topic for topic, _ in emitted(outcomes)] == ["linkage.recorded"]


@pytest.mark.check("receiver: receiver")
@pytest.mark.code("wrong_receiver")
async def test_a_record_is_judged_by_its_receiver_alone() -> None:
    """Another agency's key on the record: recorded, and it ends there."""
    parties = Parties()
    whole = delivery.inquiry(parties).message()
    outcomes = await inbound(parties, Message(SENDER, whole.value, whole.headers))
    assert dropped(outcomes) == [SecurityCode.WRONG_RECEIVER]


def at_night(draft: submission.Submission) -> None:
    keep_hours(draft.parties)
    draft.said |= {"created": "2026-11-24T08:15:00.000Z"}


def in_no_role(draft: submission.Submission) -> None:
    draft.said["officer"] = {**submission.OFFICER, "role": "other"}


def keep_hours(parties: Parties) -> None:
    """The receiver opens from Monday to Friday, from 8:30 to 17:15 in Japanese time."""
    record = parties.directory.agencies[RECEIVER]
    parties.publish(AgencyRecord.model_validate({**dict(record), "version": 2, "hours": OFFICE_HOURS}))


def case(check: str, code: RefusalCode, spoil: Callable[[submission.Submission], None]) -> Any:
    marks = [pytest.mark.check(f"authorization: {check}"), pytest.mark.code(str(code))]
    return pytest.param(code, spoil, id=f"{check}: {code}", marks=marks)


JUDGED: Final = [
    case("delegation", RefusalCode.NOT_IN_LAW_TABLE, submission.delegated),
    case("agencies", RefusalCode.UNKNOWN_AGENCY, submission.unknown_agency),
    case("item", RefusalCode.UNKNOWN_ITEM, submission.unknown_item),
    case("law table", RefusalCode.NOT_IN_LAW_TABLE, submission.unlawful),
    case("law table", RefusalCode.CLASS_UNRESOLVED, submission.undecidable),
    case("assessment duty", RefusalCode.ASSESSMENT_MISSING, submission.unassessed),
    case("role", RefusalCode.ROLE_NOT_ALLOWED, in_no_role),
    case("hours", RefusalCode.NOT_ACCEPTING, at_night),
]
"""In the order in which they are judged."""


@pytest.mark.parametrize(("code", "spoil"), JUDGED)
async def test_both_sides_judge_alike(code: RefusalCode, spoil: Callable[[submission.Submission], None]) -> None:
    """The own side refuses and says so; the other carries its verdict on, for `crypto` to answer once signature holds."""
    draft = delivery.inquiry(Parties())
    spoil(draft.sent)
    policy, message = policy_of(draft.parties), draft.message()
    bare = Message(SENDER, b"", {"control": draft.sent.control.encoded()})
    (back, refused), (ledger, record) = emitted(list(await check_outbound([bare], policy)))
    assert (back, ledger) == ("outbound.refused", "linkage.recorded")
    assert RefusalPart.model_validate_json(refused.headers["refusal"]).code == code
    assert found(record) == [("authorization", code)]
    unjudged = Message(RECEIVER, message.value, {**message.headers, "trail": b""})
    [(on, carried)] = emitted(list(await check_inbound([unjudged], policy)))
    assert (on, found(carried)) == ("inbound.authorized", [("authorization", code)])


async def test_of_two_faults_the_earlier_is_judged() -> None:
    """What can never succeed is said before what is amiss at this hour."""
    for place, earlier in enumerate(JUDGED):
        for later in JUDGED[place + 1 :]:
            (code, spoil), (_, other) = earlier.values, later.values
            draft = delivery.inquiry(Parties())
            other(draft.sent)
            spoil(draft.sent)
            bare = Message(SENDER, b"", {"control": draft.sent.control.encoded()})
            (_, refused), _ = emitted(list(await check_outbound([bare], policy_of(draft.parties))))
            assert RefusalPart.model_validate_json(refused.headers["refusal"]).code == code, (earlier.id, later.id)


# — hours


@pytest.mark.check("authorization: hours")
@pytest.mark.parametrize(
    ("created", "accepted"),
    [
        ("2026-11-23T23:29:59.999Z", False),
        ("2026-11-23T23:30:00.000Z", True),
        ("2026-11-24T08:14:59.999Z", True),
        ("2026-11-24T08:15:00.000Z", False),
        ("2026-11-27T03:00:00.000Z", True),
        ("2026-11-28T03:00:00.000Z", False),
        ("2026-11-29T23:30:00.000Z", True),
        ("9999-12-31T23:59:59.999Z", False),
    ],
    ids=[
        "Tuesday 8:29",
        "Tuesday 8:30",
        "Tuesday 17:14",
        "Tuesday 17:15",
        "Friday noon",
        "Saturday noon",
        "Monday 8:30",
        "the last instant",
    ],
)
def test_hours_are_in_japanese_time(created: str, accepted: bool) -> None:
    """受付時間: the day of the week there, from the minute they begin until the minute they end."""
    assert OFFICE_HOURS.include(created) == accepted


def test_hours_may_last_the_whole_day() -> None:
    """Until 24:00; but they never pass midnight, or end before they begin, or have no day."""
    assert Hours(days=["tue"], starts="00:00", until="24:00").include("2026-11-24T14:59:59.999Z")
    wrong: list[dict[str, Any]] = [
        {"days": ["mon"], "starts": "22:00", "until": "06:00"},
        {"days": ["mon"], "starts": "08:30", "until": "08:30"},
        {"days": [], "starts": "08:30", "until": "17:15"},
        {"days": ["mon"], "starts": "8:30", "until": "17:15"},
        {"days": ["mon"], "starts": "08:30", "until": "24:01"},
        {"days": ["holiday"], "starts": "08:30", "until": "17:15"},
    ]
    for hours in wrong:
        with pytest.raises(ValueError):
            Hours.model_validate(hours)


async def test_hours_are_for_inquiries() -> None:
    """An answer is accepted at night: it is awaited, and comes when it comes."""
    draft = submission.answer(Parties())
    at_night(draft)
    bare = Message(SENDER, b"", {"control": draft.control.encoded()})
    [(topic, _)] = emitted(list(await check_outbound([bare], policy_of(draft.parties))))
    assert topic == "outbound.authorized"


def test_hours_are_not_the_hubs_affair() -> None:
    """The receiver's own authorization keeps them; the hub judges by law."""
    draft = submission.inquiry(Parties())
    at_night(draft)
    draft.parties.judge.checker.lawful(draft.control)


# — crypto, on the way out


def composed(parties: Parties, rest: AtRest, control: Control, business: bytes) -> Message:
    """What `authorization` hands on, sealed under the sender's data key."""
    said, parts = control.encoded(), {"value": business}
    if control.kind == "inquiry":
        parts["subject"] = LINK + parties.codes.issue(SENDER, CORE).encode()
    sealed = rest.seal(SENDER, said, parts)  # type: ignore[arg-type]  # the parts' names
    headers = {"control": said, **{name: data for name, data in sealed.items() if name != "value"}}
    return Message(SENDER, sealed["value"], headers, Position("outbound.authorized", 0, 0))


async def sealed(draft: submission.Submission, business: bytes) -> list[Outcome]:
    parties, keys = draft.parties, draft.parties.senders_keys
    rest = AtRest(keys, parties.clock)
    sealer = Sealer(keys, rest, parties.directory, ContentKeys(parties.clock), parties.clock)
    crypto = Crypto(sealer, NO_RECEIVER, parties.directory)
    return list(await seal_outbound([composed(parties, rest, draft.control, business)], crypto))


def nothing(_: submission.Submission) -> None:
    """All is right with the keys."""


def out(check: str, code: str, spoil: Callable[[submission.Submission], None], business: bytes = b"") -> Any:
    marks = [pytest.mark.check(f"own side: {check}"), pytest.mark.code(code)]
    return pytest.param(code, spoil, business, id=check, marks=marks)


SEALED: Final = [
    out("sign key", "key_revoked", submission.revoke("sign")),
    out("wrap key", "unknown_agency", submission.no_key_to_seal_for),
    out("size", "too_large", nothing, bytes(LIMIT + 1)),
]


@pytest.mark.parametrize(("code", "spoil", "business"), SEALED)
async def test_what_cannot_be_sealed_comes_back(
    code: str, spoil: Callable[[submission.Submission], None], business: bytes
) -> None:
    """The own side is told why, and nothing of it is signed."""
    draft = submission.inquiry(Parties())
    spoil(draft)
    (back, refused), (ledger, record) = emitted(await sealed(draft, business))
    assert (back, ledger) == (topics.outbound_refused.name, topics.linkage_recorded.name)
    assert RefusalPart.model_validate_json(refused.headers["refusal"]).code == code
    assert found(record) == [("crypto", code)]


async def test_what_crypto_seals_the_hub_permits_and_the_receiver_opens() -> None:
    """The three of them agree about what is right: nothing stands between them but the record."""
    draft = submission.inquiry(Parties())
    [(topic, message)] = emitted(await sealed(draft, submission.INQUIRY))
    assert topic == "outbound.sealed"
    judge, envelope = draft.parties.judge, Envelope.of(message).read()
    one = Submitted(message, envelope, envelope.said)
    core, _ = judge.named(one, None)
    decided = judge.decided(one, core, None)
    granted = judge.permitter.stored(envelope, core, decided.decided.verdict, decided.noted(decided.decided))
    assert isinstance(granted, Granted)
    [permitted] = judge.permitter.permit([granted])
    delivered = Message(RECEIVER, permitted.value, permitted.headers())
    [(_, judged)] = emitted(await inbound(draft.parties, delivered))
    receiver = Receiver(draft.parties.opener, draft.parties.rest, draft.parties.directory, NO_DATABASE)
    opened = receiver.judge(judged, None).outcome
    assert isinstance(opened, Opened)
    assert (opened.business, opened.link_code.decode()) == (
        submission.INQUIRY,
        draft.parties.codes.issue(RECEIVER, CORE),
    )
