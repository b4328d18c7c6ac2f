"""What an operator is told of an installation: what needs attention, and how it is written."""

import errno
import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from prometheus_client import generate_latest
from rich.console import Console

from schemas.directory import HUB
from schemas.directory import Beat as BeatRecord
from schemas.message import Message, Position
from schemas.text import instant, to_text
from services.operator.installation import Installation
from services.operator.keys import enrolment, renewal, revocation
from services.operator.keys.listing import kept_records
from services.operator.status.asking import asked, beat_of
from services.operator.status.ending import ending
from services.operator.status.facts import Beat, Disk, Ending, Facts, Held, Program, Unknown
from services.operator.status.judging import LATE, attention
from services.operator.status.programs import edition_of
from services.operator.status.screen import rendered
from services.operator.status.words import duration, size
from services.runtime.errors import Misconfigured
from services.runtime.kafka.lags import Lag
from services.runtime.metrics import Metrics

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
GIB: Final = 1024**3
OLD: Final = instant(NOW - timedelta(days=3))
GROUP: Final = Lag("renkei.hub.network.submitted", "network.submitted", 0, None, 0, 0)
LATER: Final = replace(GROUP, left=9, oldest=int((NOW.timestamp() - LATE - 1) * 1000))
WELL: Final = Facts(
    folder="/somewhere",
    time=instant(NOW),
    programs=[
        Program(name, "ready", 1, instant(NOW), GIB, 0, 7) for name in ("hub", "linkage", "intermediate", "gateway")
    ],
    groups=[GROUP],
    beat=Beat(7, 1.0, settled=True),
    published=7,
    quarantine=Held(0),
    keys=Ending(3, 0),
    disks=[Disk("/somewhere", 50 * GIB, 100 * GIB)],
)


def ago(seconds: float) -> int:
    """In milliseconds since 1970."""
    return int((NOW.timestamp() - seconds) * 1000)


def program(**said: object) -> Facts:
    """All is well but for one process."""
    one = replace(WELL.programs[0], **said)  # type: ignore[arg-type]
    return replace(WELL, programs=[one, *WELL.programs[1:]])


def test_nothing_is_said_where_all_is_well() -> None:
    """Also where something is left to be done, if it is new."""
    assert attention(WELL) == []
    assert attention(replace(WELL, groups=[replace(GROUP, left=9, oldest=ago(LATE - 1))])) == []
    assert attention(replace(WELL, quarantine=Unknown("Kafka is down"), groups=Unknown("Kafka is down"))) == []


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (program(state="ended"), "hub has ended by itself: see `renkei logs hub`"),
        (program(state="silent", waiting={"": "no answer within 4 s"}), "hub does not answer: no answer within 4 s"),
        (program(state="waiting", waiting={"hub/a": "b"}), "hub waits: hub/a: b"),
        (program(edition=6), "hub works by edition 6 of the directory, the hub's is 7"),
        (replace(WELL, programs=WELL.programs[1:]), "nothing runs hub: start it"),
        (replace(WELL, beat=None), "no beat of the hub on the directory's topic"),
        (replace(WELL, beat=Beat(7, 130.0, settled=True)), "no beat of the hub for 2 min: after five minutes"),
        (replace(WELL, groups=[replace(GROUP, missing=12)]), "no offset on 12 partitions of network.submitted"),
        (replace(WELL, groups=[replace(GROUP, outrun=1)]), "offsets outside of network.submitted"),
        (replace(WELL, groups=[replace(GROUP, held=(3,))]), "network.submitted: a transaction is open on partition 3"),
        (replace(WELL, groups=[LATER]), "has 9 records left to do, the oldest for 1 min"),
        (replace(WELL, quarantine=Held(2, "a/1/2", "hub", "KeyError", OLD)), "holds 2, the oldest for 3 d"),
        (replace(WELL, keys=Ending(9, 1, [("221309", "wrap", "")])), "month: `renkei keys renew 221309`"),
        (replace(WELL, keys=Ending(9, 9, [("221309", "wrap", "")])), "month: `renkei keys renew --all`"),
        (replace(WELL, quarantine=Unknown("no answer")), "quarantine: no answer"),
        (replace(WELL, keys=Unknown("no file")), "keys: no file"),
        (replace(WELL, disks=[Disk("/x", 1 * GIB, 10 * GIB)]), "disk: only 1.0 GiB left for /x"),
        (replace(WELL, disks=[Disk("/x", 40 * GIB, 1000 * GIB)]), "disk: only 40.0 GiB left for /x"),
    ],
)  # fmt: skip
def test_what_needs_attention_is_told_once(facts: Facts, told: str) -> None:
    """One sentence each, on the screen too."""
    [text] = attention(facts)
    assert told in text
    assert told in printed(facts)


def test_an_edition_that_was_just_published_is_not_late() -> None:
    """Processes fold it within a moment."""
    assert attention(replace(program(edition=6), beat=Beat(7, 1.0, settled=False))) == []


def test_what_is_not_known_is_said() -> None:
    """In its place on the screen, with the reason; what Kafka alone knows is not known for one reason."""
    assert "groups       not known: A" in printed(replace(WELL, groups=Unknown("A")))
    facts = replace(WELL, beat=Unknown("B"), published=Unknown("C"), quarantine=Unknown("D"))
    screen = printed(facts)
    for line in (
        "last beat not known: B",
        "published not known: C",
        "quarantine   not known: D",
    ):
        assert line in screen


def test_posts_that_were_dropped_are_counted_since_when() -> None:
    """By the process that reads them, with where to look further; none is said, too."""
    reading = Program("intermediate", "ready", since="2026-11-24T12:00:00.000Z", posts=0)
    assert "posts        none over Kafka dropped since 2026-11-24T12:00:00.000Z" in printed(
        replace(WELL, programs=[reading])
    )
    screen = printed(replace(WELL, programs=[replace(reading, posts=3)]))
    assert "posts        3 over Kafka dropped or in another partition since 2026-11-24T12:00:00.000Z" in screen
    assert "renkei logs intermediate" in screen


def test_the_screen_is_one_screen() -> None:
    """A line a process, and one for the rest; nothing of a group that has nothing to do."""
    screen = printed(WELL)
    assert len(screen.splitlines()) == 1 + 1 + len(WELL.programs) + 7
    assert "1 of 1 have nothing left to do" in screen
    assert screen.rstrip().endswith("Everything is well.")


def test_the_last_beat_counts() -> None:
    """Its edition and its age; it is settled once the last record is some seconds old."""
    records = [record("key/221309/x", 40, b""), beat(3, 30), beat(4, 2)]
    assert beat_of(records, NOW) == Beat(4, 2.0, settled=True)
    assert beat_of([*records, record("key/221309/y", 1, b"")], NOW) == Beat(4, 2.0, settled=False)
    assert beat_of(records[:1], NOW) is None
    assert beat_of([record("beat", 1, b"{}")], NOW) is None


def test_the_edition_is_read_from_the_metrics() -> None:
    """As a process writes them."""
    metrics = Metrics()
    metrics.edition.set(41)
    assert edition_of(generate_latest(metrics.registry).decode()) == 41
    assert edition_of("") is None


def test_keys_that_end_soon_are_found(installation: Installation) -> None:
    """Two months after they were made they are over; a renewal helps, a revocation does the contrary."""
    assert ending(installation, NOW) == Ending(3, 0, [])
    late = NOW + timedelta(days=20)
    assert ending(installation, late).ending == 3
    for agency in ("221309", "221007", HUB):
        renewal.renew(installation, agency, late)
    assert ending(installation, late) == Ending(3, 0, [])
    signing = next(one for one in kept_records(installation, "221309") if one.purpose == "sign")
    revocation.revoke(installation, signing, late)
    assert ending(installation, late) == Ending(3, 1, [("221309", "sign", "")])


@pytest.mark.parametrize("text", ["", '{"place": "key/x", "rec', "{}", "[]", '{"record": "?"}'])
def test_a_record_that_was_cut_off_is_named(installation: Installation, text: str) -> None:
    """Without it nobody knows whether its key is revoked."""
    file = next(installation.records.glob("key_*"))
    file.write_text(text)
    with pytest.raises(Misconfigured, match=f"^{re.escape(str(file))} is no signed record: [A-Za-z]+$"):
        ending(installation, NOW)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("a value"), "ValueError"),
        (KeyError("a value"), "KeyError"),
        (Misconfigured("what is to be mended"), "what is to be mended"),
        (PermissionError(errno.EACCES, "Permission denied", "a/file"), "a/file: Permission denied"),
    ],
)
async def test_what_fails_is_not_known(error: Exception, reason: str) -> None:
    """What was not foreseen is told by its type alone: its text may repeat what was read."""

    async def failing() -> None:
        raise error

    assert await asked(failing(), 1) == Unknown(reason)


def test_words() -> None:
    """The largest unit, rounded down."""
    assert [duration(one) for one in (-5, 0.9, 59, 60, 3_599, 3_600, 200_000)] == [
        "0 s", "0 s", "59 s", "1 min", "59 min", "1 h", "2 d",
    ]  # fmt: skip
    assert [size(one) for one in (10 * 1024**2, 3 * GIB // 2)] == ["10 MiB", "1.5 GiB"]


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """The hub and two municipalities."""
    found = Installation(tmp_path / "installation")
    enrolment.create_keys(found, [HUB, "221309", "221007"], "1", NOW)
    return found


def printed(facts: Facts) -> str:
    """On a wide screen."""
    output = io.StringIO()
    Console(file=output, width=250).print(rendered(facts, attention(facts)))
    return output.getvalue()


def beat(edition: int, seconds: float) -> Message:
    """One of the hub's, so long ago."""
    signature = to_text(bytes(64))
    said = BeatRecord(
        table=to_text(bytes(32)),
        edition=edition,
        time=instant(NOW - timedelta(seconds=seconds)),
        key=to_text(bytes(32)),
        signature=signature,
    )
    return record("beat", seconds, said.encoded())


def record(key: str, seconds: float, value: bytes) -> Message:
    """On the directory's topic, so long ago."""
    return Message(key, value, {}, position=Position("directory", 0, 0), time=ago(seconds))
