"""The logs of all processes as one."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from services.operator.local.error import InstallationError
from services.operator.logs import files
from services.operator.logs.command import LAST, chosen, span
from services.operator.logs.files import logs, merged
from services.operator.logs.lines import Entry, entries

NOW: Final = datetime(2026, 11, 24, 12, tzinfo=UTC)
HUB: Final = (
    '{"services": ["hub", "gateway"], "edition": 5, "event": "started", "level": "info",'
    ' "timestamp": "2026-11-24T12:00:01.500000Z"}'
)
FAILED: Final = (
    '{"where": "hub/a.b", "error": "KeyError", "reason": "hub/service.py:7", "event": "step failed", "level": "error",'
    ' "timestamp": "2026-11-24T12:00:03.000000Z"}'
)
KAFKA: Final = "2026-11-24T12:00:02.000Z ERROR Disk full (LogManager)"
POSTGRES: Final = "2026-11-24 12:00:02.500 UTC [42] FATAL:  the database system is starting up"


def test_a_service_line_is_put_in_words() -> None:
    """Event first, then the rest; a list by its names."""
    [entry] = entries("hub", [HUB], NOW)
    assert entry == Entry(
        NOW.replace(second=1, microsecond=500_000), "hub", "info", "started services=hub,gateway edition=5"
    )
    assert not entry.is_error()


def test_lines_of_servers_stay_as_they_are() -> None:
    """But for the time, which stands in its column; a stack trace belongs to its line."""
    [kafka] = entries("kafka", [KAFKA, "\tat java.base"], NOW)
    assert kafka == Entry(NOW.replace(second=2), "kafka", "error", "ERROR Disk full (LogManager)\n\tat java.base")
    [postgres] = entries("postgres", [POSTGRES], NOW)
    assert postgres.is_error()
    assert postgres.text == "[42] FATAL:  the database system is starting up"


def test_a_traceback_is_an_error() -> None:
    """Whatever a service writes that is no JSON of ours, even at the beginning of what was read."""
    [first] = entries("hub", ["Traceback (most recent call last):", "KeyError"], NOW)
    assert (first.time, first.is_error()) == (NOW, True)
    [after] = entries("hub", [HUB, "Segmentation fault", '{"event": 1}', "7"], NOW)
    assert after.is_error()
    assert after.text.endswith('\nSegmentation fault\n{"event": 1}\n7')


def test_all_are_merged_in_the_order_of_time(folder: Path) -> None:
    """Those that are named, or all."""
    assert [entry.name for entry in merged(logs(folder))] == ["hub", "kafka", "postgres", "hub"]
    assert [entry.name for entry in merged(logs(folder, ["kafka"]))] == ["kafka"]
    with pytest.raises(InstallationError, match=r"no log of nobody.*there are hub, kafka, postgres"):
        logs(folder, ["nobody"])


def test_what_is_written_later_is_read_once(folder: Path) -> None:
    """A line that is not whole yet comes when it is."""
    found = logs(folder, ["hub"])
    merged(found)
    assert merged(found) == []
    with (folder / "log" / "hub.log").open("a") as log:
        log.write(HUB + "\n" + FAILED[:20])
        log.flush()
        assert [entry.text[:7] for entry in merged(found)] == ["started"]
        log.write(FAILED[20:] + "\n")
    assert [entry.text[:11] for entry in merged(found)] == ["step failed"]


def test_only_the_end_of_a_long_log_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole lines of it, at first and whenever more was written since than is read at once."""
    monkeypatch.setattr(files, "LIMIT", 2 * len(HUB) + 10)
    path = folder / "log" / "hub.log"
    path.write_text(f"{HUB}\n" * 50)
    found = logs(folder, ["hub"])
    assert [entry.text for entry in merged(found)] == [entries("hub", [HUB], NOW)[0].text] * 2
    with path.open("a") as log:
        log.write(f"{HUB}\n" * 50)
    assert len(merged(found)) == 2


def test_what_is_shown_is_chosen() -> None:
    """By time, else the last ones; errors alone if so wished."""
    found = [
        Entry(NOW + timedelta(seconds=one), "hub", "error" if one % 2 else "info", str(one)) for one in range(LAST + 10)
    ]
    assert chosen(found, None, errors=False) == found[10:]
    assert chosen(found, NOW + timedelta(seconds=LAST + 8), errors=False) == found[-2:]
    assert chosen(found, NOW + timedelta(seconds=LAST + 8), errors=True) == found[-1:]


def test_spans_of_time() -> None:
    """A number and a unit, and nothing else."""
    assert span("30s") == timedelta(seconds=30)
    assert span("10m") == timedelta(minutes=10)
    assert span("2h") == timedelta(hours=2)
    assert span("1d") == timedelta(days=1)
    for wrong in ("", "10", "m", "-1m", "1w", "1 m", "٣m"):
        with pytest.raises(ValueError, match="no span of time"):
            span(wrong)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation's folder with three logs."""
    (tmp_path / "log").mkdir()
    for name, lines in {"hub": [HUB, FAILED], "kafka": [KAFKA], "postgres": [POSTGRES]}.items():
        (tmp_path / "log" / f"{name}.log").write_text("".join(f"{line}\n" for line in lines))
    return tmp_path
