"""The directory folds what verifies, and nothing else; without a recent beat it closes the service."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import topics
from schemas.directory import (
    HUB,
    AgencyRecord,
    AnyRecord,
    AssessmentRecord,
    Beat,
    KeyRecord,
    PolicyRecord,
    beaten,
    key_id,
    place,
    signed_record,
)
from schemas.message import Message
from schemas.text import instant, to_text
from schemas.wire import suites
from services.operator.keys.enrolment import Made, RootKey, make_key
from services.runtime.directory import Directory, EnrolledRoots, follow
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.memory import MemoryLog
from services.runtime.standing import Standing
from tests.waiting import until

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKYO, OSAKA = "131016", "271004"


def root(agency: str) -> RootKey:
    return RootKey(agency, "ed25519", suites.generate("ed25519")[0])


ROOTS = {agency: root(agency) for agency in (TOKYO, OSAKA, HUB)}
BEATING = make_key(HUB, "sign", "ed25519", NOW - timedelta(days=1), NOW + timedelta(days=1))


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Table:
    """A directory with its clock, as a test uses it."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.directory = Directory({agency: key.enrolled() for agency, key in ROOTS.items()}, self.clock)

    def fold(self, *messages: Message) -> dict[str, int]:
        """What is ignored of these messages, by reason."""
        before = self.directory.ignoring.counts.copy()
        self.directory.fold(messages)
        return dict(self.directory.ignoring.counts - before)


@pytest.fixture
def table() -> Table:
    return Table()


def published(record: AnyRecord, by: RootKey | None = None, data: bytes = b"") -> Message:
    """A record as it stands in the topic, signed by the root that must sign it or by another."""
    data = data or record.encoded()
    signer = by or ROOTS[HUB if isinstance(record, AssessmentRecord) else record.agency]
    signature = suites.sign(signer.algorithm, signer.private, signed_record(record.type, data))
    return Message(place(record), data, {"signature": signature})


def agency(version: int = 1, name: str = "東京都千代田区", code: str = TOKYO) -> AgencyRecord:
    return AgencyRecord(agency=code, version=version, name=name, classes=[], items=[])


def beat(edition: int, at: datetime = NOW, made: Made = BEATING, of: Sequence[AnyRecord] | None = None) -> Message:
    """A beat for a table of these records; without any for one of the beating key alone."""
    time, standing = instant(at), Standing()
    for record in [record_of(BEATING)] if of is None else of:
        standing.put(record, record.encoded())
    table = standing.digest()
    signature = to_text(made.private.signer().sign(beaten(edition, time, table)))
    said = Beat(edition=edition, time=time, table=table, key=made.private.kid, signature=signature)
    return Message("beat", said.encoded(), {})


def record_of(made: Made, **changes: object) -> KeyRecord:
    assert made.record is not None
    return made.record.model_copy(update=changes)


# --- Records


def test_each_type_has_its_place(table: Table) -> None:
    """Agency, key, policy and assessment are found where steps look for them."""
    key = make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1))
    policy = PolicyRecord(agency=TOKYO, version=1, grants=[])
    assessment = AssessmentRecord(agency=TOKYO, version=1, rows="all")
    assert table.fold(*(published(record) for record in (agency(), record_of(key), policy, assessment))) == {}
    assert table.directory.agencies == {TOKYO: agency()}
    assert table.directory.key(key.private.kid) == key.record
    assert table.directory.policies == {TOKYO: policy}
    assert table.directory.assessments == {TOKYO: assessment}


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12))
def test_the_highest_version_holds(versions: Sequence[int]) -> None:
    """In whatever order versions come, and however often: the highest is in force, and the others were not taken."""
    table = Table()
    table.fold(*(published(agency(version, f"name {version}")) for version in versions))
    assert table.directory.agencies[TOKYO].version == max(versions)
    assert table.directory.agencies[TOKYO].name == f"name {max(versions)}"


def test_an_older_or_changed_record_is_ignored(table: Table) -> None:
    """A version is one record: the same again is a repeat, another text under it is no news."""
    table.fold(published(agency(2)))
    assert table.fold(published(agency(1))) == {"older version": 1}
    assert table.fold(published(agency(2))) == {"repeated": 1}
    assert table.fold(published(agency(2, "改名"))) == {"older version": 1}
    assert table.directory.agencies == {TOKYO: agency(2)}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (published(agency(), by=ROOTS[OSAKA]), "bad signature"),
        (published(agency(), by=root(TOKYO)), "bad signature"),
        (Message("agency/131016", agency().encoded(), {}), "bad signature"),
        (Message("agency/131016", agency().encoded(), published(agency(2)).headers), "bad signature"),
        (published(AssessmentRecord(agency=TOKYO, version=1, rows="all"), by=ROOTS[TOKYO]), "bad signature"),
        (published(agency(code="401307"), by=root("401307")), "no enrolled root"),
        (published(agency(), data=agency().encoded().replace(b":1", b": 1")), "malformed"),
        (published(agency(), data=b'{"type":"agency"}'), "malformed"),
        (published(agency(), data=b"[" * 20000), "malformed"),
        (published(agency(), data=b" " * 65537), "too large"),
    ],
    ids=["foreign", "forged", "unsigned", "of another", "assessed by itself", "not enrolled", "spelt otherwise",
         "incomplete", "nested", "large"],
)  # fmt: skip
def test_what_does_not_verify_changes_nothing(table: Table, message: Message, reason: str) -> None:
    """It is counted by its reason, and what stands behind it is folded all the same."""
    assert table.fold(message, published(agency(code=OSAKA))) == {reason: 1}
    assert list(table.directory.agencies) == [OSAKA]


# --- Keys


def test_the_key_that_began_last_is_current(table: Table) -> None:
    """Of those that are valid at that instant; none outside of all validities."""
    days = [NOW + timedelta(days=number) for number in range(4)]
    old = make_key(TOKYO, "sign", "ed25519", days[0], days[2])
    new = make_key(TOKYO, "sign", "ed25519", days[1], days[3])
    table.fold(published(record_of(new)), published(record_of(old)))
    found = [table.directory.current(TOKYO, "sign", instant(day)) for day in days]
    assert found == [old.record, new.record, new.record, None]
    assert table.directory.current(TOKYO, "wrap", instant(NOW)) is None
    assert table.directory.current(OSAKA, "sign", instant(NOW)) is None


def test_a_revoked_key_holds_no_more(table: Table) -> None:
    """A higher version of the same kid revokes it: it stays known, and counts for nothing, whatever the time."""
    made = make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1))
    revoked = record_of(made, version=2, revoked=instant(NOW))
    assert table.fold(published(record_of(made)), published(revoked)) == {}
    assert table.directory.key(made.private.kid) == revoked
    assert table.directory.current(TOKYO, "sign", instant(NOW)) is None
    assert table.fold(published(record_of(made))) == {"older version": 1}


def test_a_revocation_is_final(table: Table) -> None:
    """Not even the agency's own root takes it back, under whatever version; a later revocation may say more."""
    made = make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1))
    table.fold(published(record_of(made, version=2, revoked=instant(NOW))))
    assert table.fold(published(record_of(made, version=3))) == {"a revocation is final": 1}
    assert table.fold(published(record_of(made, version=3, revoked=instant(NOW + timedelta(days=1))))) == {}
    assert table.directory.current(TOKYO, "sign", instant(NOW)) is None


def test_a_record_stands_in_its_own_place(table: Table) -> None:
    """Anywhere else it would push out what rightly stands there, once the topic is compacted."""
    made = make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1))
    signed = published(record_of(made))
    for key in (
        f"key/{OSAKA}/{made.private.kid}",
        f"key/{TOKYO}/{BEATING.private.kid}",
        f"agency/{TOKYO}",
        "beaten",
        "",
    ):
        assert table.fold(Message(key, signed.value, signed.headers)) == {"another's place": 1}
    assert table.directory.keys == {}
    assert [one.code for one in table.directory.ignoring.waiting] == ["wrong_receiver"] * 5
    assert table.fold(signed) == {}


def test_a_key_is_named_by_itself(table: Table) -> None:
    """A kid that is not the hash of agency, purpose, algorithm and key is refused; so is a key of small order."""
    made, other = (make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1)) for _ in range(2))
    assert table.fold(published(record_of(made, kid=other.private.kid))) == {"key id does not fit the key": 1}
    assert table.fold(published(record_of(made, purpose="permit"))) == {"key id does not fit the key": 1}
    weak = bytes([1]) + bytes(31)  # the neutral element
    kid = key_id(TOKYO, "sign", "ed25519", weak)
    assert table.fold(published(record_of(made, key=to_text(weak), kid=kid))) == {"unacceptable public key": 1}


# --- Beats


def test_a_beat_keeps_it_open_for_five_minutes(table: Table) -> None:
    """Before the first beat, and five minutes after the last, the table is closed."""
    with pytest.raises(Unavailable, match="no beat"):
        table.directory.require_fresh()
    table.fold(published(record_of(BEATING)), beat(7))
    table.clock.now = NOW + timedelta(minutes=4, seconds=59)
    table.directory.require_fresh()
    assert table.directory.edition == 7
    table.clock.now = NOW + timedelta(minutes=5)
    with pytest.raises(Unavailable):
        table.directory.require_fresh()
    table.fold(beat(7, table.clock.now))
    table.directory.require_fresh()


def test_beats_only_rise(table: Table) -> None:
    """An older edition or an earlier time is a replay; it neither moves the table back nor keeps it open."""
    table.fold(published(record_of(BEATING)), beat(7))
    assert table.fold(beat(6, NOW + timedelta(minutes=1))) == {"older beat": 1}
    assert table.fold(beat(8, NOW - timedelta(minutes=1))) == {"older beat": 1}
    assert (table.directory.edition, table.directory.beat) == (7, NOW)


def test_only_the_hub_beats(table: Table) -> None:
    """With its signing key, valid then and not revoked: no other agency's, none of another purpose, no forged one."""
    foreign = make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1))
    permit = make_key(HUB, "permit", "ed25519", NOW, NOW + timedelta(days=1))
    table.fold(*(published(record_of(made)) for made in (foreign, permit, BEATING)))
    assert table.fold(beat(1, made=foreign), beat(1, made=permit)) == {"beat under an unknown key": 2}
    assert table.fold(beat(1, NOW + timedelta(days=2))) == {"beat under an unknown key": 1}
    forged = json.loads(beat(1).value) | {"edition": 9}
    assert table.fold(Message("beat", json.dumps(forged, separators=(",", ":")).encode(), {})) == {"bad signature": 1}
    assert table.fold(Message("beat", b"{}", {})) == {"malformed": 1}
    table.fold(published(record_of(BEATING, version=2, revoked=instant(NOW))))
    assert table.fold(beat(1)) == {"beat under an unknown key": 1}
    assert not table.directory.fresh()


def test_a_beat_counts_only_for_the_table_that_it_is_of(table: Table) -> None:
    """Whoever lacks a record, or has one that was replaced since, is closed however often the hub beats."""
    made = make_key(TOKYO, "sign", "ed25519", NOW, NOW + timedelta(days=1))
    old, new = record_of(made), record_of(made, version=2, revoked=instant(NOW))
    table.fold(published(record_of(BEATING)), beat(7, of=[record_of(BEATING), new]))
    for version in (None, old):
        table.fold(*([published(version)] if version else []), beat(8, of=[record_of(BEATING), new]))
        with pytest.raises(Unavailable, match="not the one that the hub beats for"):
            table.directory.require_fresh()
    table.fold(published(new), beat(9, of=[record_of(BEATING), new]))
    table.directory.require_fresh()


def test_an_agency_without_a_root_here_does_not_close_the_table(table: Table) -> None:
    """Its records are of no use here, but they are in the hub's table; a forged spelling or place counts for nothing."""
    foreign = agency(code="011002")
    signed = published(foreign, by=ROOTS[TOKYO])
    spoilt = Message(signed.key, signed.value + b" ", signed.headers)
    table.fold(published(record_of(BEATING)), spoilt, beat(1))
    table.directory.require_fresh()
    table.fold(signed, beat(2, of=[record_of(BEATING), foreign]))
    assert instant(table.directory.complete or NOW) == instant(NOW)
    assert not table.directory.agencies


def test_the_log_is_held_against_what_stands(table: Table) -> None:
    """A place is missing once the log has an older record there, or another's, and no more once the right one is back."""
    old, new = agency(1), agency(2)
    assert table.directory.remember(published(new))
    assert set(table.directory.standing.missing()) == {place(new)}
    table.fold(published(new))
    assert not table.directory.standing.missing()
    for wrong in (published(old), Message(place(new), b"junk", {})):
        table.fold(wrong)
        assert set(table.directory.standing.missing()) == {place(new)}
        table.fold(published(new))
        assert not table.directory.standing.missing()
    assert not table.directory.remember(published(old))


# --- Its topic and its roots


async def test_it_is_followed(table: Table) -> None:
    """What stands in the topic is folded before it counts as complete, what comes later at once."""
    log = MemoryLog(table.clock)
    await log.publish([(topics.directory, published(record_of(BEATING))), (topics.directory, beat(1))])
    complete = asyncio.Event()
    async with log.table(topics.directory) as reader:
        following = asyncio.create_task(follow(table.directory, reader, complete))
        await complete.wait()
        assert table.directory.edition == 1
        await log.publish([(topics.directory, beat(2))])
        await until(lambda: table.directory.edition == 2)
        following.cancel()


def test_enrolled_roots_are_a_file(tmp_path: Path) -> None:
    """An agency that is enrolled later is found when it is asked for, without a restart."""
    file = tmp_path / "roots.json"
    file.write_text(json.dumps([ROOTS[TOKYO].enrolled().model_dump()]))
    roots = EnrolledRoots(file)
    assert (roots.get(TOKYO), roots.get(OSAKA)) == (ROOTS[TOKYO].enrolled(), None)
    file.write_text(json.dumps([ROOTS[code].enrolled().model_dump() for code in (TOKYO, OSAKA)]))
    assert roots.get(OSAKA) == ROOTS[OSAKA].enrolled()


def test_a_root_shows_that_it_is_held(tmp_path: Path) -> None:
    """A root without proof of possession, a broken file and a missing one are the operator's to mend."""
    file = tmp_path / "roots.json"
    stolen = ROOTS[TOKYO].enrolled().model_dump() | {"agency": OSAKA}
    for text in (json.dumps([stolen]), "[{}]", "nonsense"):
        file.write_text(text)
        with pytest.raises(Misconfigured, match="enrolled roots"):
            EnrolledRoots(file).refresh()
    with pytest.raises(Misconfigured, match="No such file"):
        EnrolledRoots(tmp_path / "nowhere").refresh()
