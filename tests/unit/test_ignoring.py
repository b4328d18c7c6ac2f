"""What the directory does not take is counted by every process, said once, and told to the ledger until it is there."""

from collections.abc import Iterator, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from schemas import trail
from schemas.directory import HUB, AgencyRecord
from schemas.message import Message, Position
from schemas.policy import Rules
from schemas.refusal import SecurityCode
from schemas.topics import Topic, linkage_recorded
from services.authorization.service import Policy, record_ignored, service
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.ignoring import CODES, ELSEWHERE, WAITING, Ignoring, Reason
from services.runtime.memory import MemoryLog

TOKYO = "131016"
KID = "k" * 43


def clock() -> datetime:
    return datetime(2026, 11, 24, 9, tzinfo=UTC)


def at(offset: int, key: str = f"agency/{TOKYO}") -> Message:
    """A record at this place of the directory's topic, with a content that nobody may repeat."""
    return Message(key, b"ZQXJKVWP7HNS", {"signature": b"ZQXJKVWP7HNS"}, Position("directory", 0, offset))


@pytest.fixture
def said() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def test_all_but_a_repeat_is_a_security_event() -> None:
    """The same record again is no incident: the hub publishes it again after a crash."""
    assert set(Reason) - set(CODES) == {Reason.REPEATED}
    ignoring = Ignoring()
    ignoring.add(at(1), Reason.REPEATED)
    assert (ignoring.counts, list(ignoring.waiting)) == ({"repeated": 1}, [])


def test_each_is_counted_under_fixed_words() -> None:
    """Whatever is in the record."""
    counted: list[str] = []
    ignoring = Ignoring(counted.append)
    for reason in Reason:
        ignoring.add(at(1), reason)
    assert counted == [reason.replace(" ", "_") for reason in Reason]


def test_each_is_said_once_of_each_place(said: list[MutableMapping[str, Any]]) -> None:
    """By place and reason; a place that is no record's is the sender's text, and stays out of the log."""
    ignoring = Ignoring()
    for key in (f"agency/{TOKYO}", f"key/{TOKYO}/{KID}", "beat", "山田太郎", f"agency/{TOKYO}/x", "key/131016/short"):
        for _ in range(3):
            ignoring.add(at(1, key), Reason.BAD_SIGNATURE)
    ignoring.add(at(1), Reason.OLDER_VERSION)
    assert [(line["where"], line["code"]) for line in said] == [
        (f"agency/{TOKYO}", "bad_signature"),
        (f"key/{TOKYO}/{KID}", "bad_signature"),
        ("beat", "bad_signature"),
        (ELSEWHERE, "bad_signature"),
        (f"agency/{TOKYO}", "replayed"),
    ]


def test_what_waits_is_bounded(said: list[MutableMapping[str, Any]]) -> None:
    """Whoever writes without end fills no memory: beyond the limit it is counted alone."""
    ignoring = Ignoring()
    for offset in range(WAITING + 5):
        ignoring.add(at(offset, f"agency/{offset:06}"), Reason.MALFORMED)
    assert len(ignoring.waiting) == WAITING
    assert ignoring.counts == {"malformed": WAITING + 5}
    ignoring.done(list(ignoring.waiting)[:10])
    assert ignoring.waiting[0].position.offset == 10
    assert len(said) == WAITING + 5


# --- The ledger


def policy(log: MemoryLog) -> Policy:
    directory = Directory({}, clock, edition=7)
    directory.agencies[TOKYO] = AgencyRecord(agency=TOKYO, version=1, name="東京都千代田区", classes=[], items=[])
    return Policy(directory, Rules({}, None), log)  # type: ignore[arg-type]  # nothing is judged here


async def recorded(log: MemoryLog) -> list[Message]:
    return [
        message for number in await log.ends(linkage_recorded) for message in log.after(linkage_recorded, number, 0)
    ]


async def test_each_is_recorded_once() -> None:
    """With its code, its reason and where it stands; on the side of the agency that it names, if there is one."""
    log = MemoryLog(clock)
    judging = policy(log)
    for offset, key in enumerate((f"policy/{TOKYO}", "agency/401307", "beat", "山田太郎")):
        judging.directory.ignoring.add(at(offset, key), Reason.OLDER_VERSION)
    assert await record_ignored(judging) == []
    assert await record_ignored(judging) == []
    records = await recorded(log)
    found = sorted((record.key, *_finding(record)) for record in records)
    assert found == [
        (TOKYO, "directory", "replayed", "older version: directory/0/0", 7),
        *((HUB, "directory", "replayed", f"older version: directory/0/{offset}", 7) for offset in (1, 2, 3)),
    ]
    assert {name for record in records for name in record.headers} == {"trail"}
    assert all(record.value == b"" for record in records)


async def test_what_was_not_acknowledged_is_recorded_later() -> None:
    """A broker that is away loses no incident."""
    log = Failing(clock)
    judging = policy(log)
    judging.directory.ignoring.add(at(1), Reason.BAD_SIGNATURE)
    with pytest.raises(Unavailable):
        await record_ignored(judging)
    log.away = False
    await record_ignored(judging)
    assert [_finding(record)[1] for record in await recorded(log)] == [SecurityCode.BAD_SIGNATURE]


def test_the_owner_of_the_check_policy_records() -> None:
    """One service does, or there would be as many records as processes."""
    assert [tick.due for tick in service.ticks] == [record_ignored]


class Failing(MemoryLog):
    """A log that cannot be written to until it is back."""

    away = True

    async def publish(self, records: Sequence[tuple[Topic, Message]]) -> None:
        if self.away:
            raise Unavailable("the broker is away")
        await super().publish(records)


def _finding(record: Message) -> tuple[str, str, str, int]:
    [finding] = trail.read(record.headers["trail"]).findings
    return finding.layer, finding.outcome, finding.rule, finding.edition
