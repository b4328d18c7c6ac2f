"""What needs the operator: one sentence each, with what to do about it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from schemas.text import moment
from services.operator.status.facts import Disk, Facts, Program, Unknown
from services.operator.status.programs import SERVERS
from services.operator.status.words import duration, size
from services.runtime.kafka.lags import Lag
from services.topology import SERVICES, services_of

LATE: Final = 60.0
"""Seconds after which what is left to be done is late, and the hub's silence is not a hiccup (it beats every second)."""
LEAST: Final = 2 * 1024**3
"""Bytes that a disk should have left: Kafka and PostgreSQL end where there is none."""
LEAST_SHARE: Final = 0.05


def attention(facts: Facts) -> list[str]:
    """Everything that needs it, the causes before what follows from them; empty if all is well."""
    at = moment(facts.time)
    return [
        *(text for disk in facts.disks for text in _disk(disk)),
        *(text for program in facts.programs for text in _program(program)),
        *_missing(facts.programs),
        *_beat(facts),
        *(text for program in facts.programs for text in _edition(program, facts)),
        *(text for lag in _known(facts.groups) for text in _lag(lag, at)),
        *_quarantine(facts, at),
        *_keys(facts),
    ]


def _disk(disk: Disk) -> Iterator[str]:
    if disk.free < max(LEAST, LEAST_SHARE * disk.total):
        yield f"disk: only {size(disk.free)} left for {disk.folder}: make room, or Kafka and PostgreSQL will stop"


def _program(program: Program) -> Iterator[str]:
    why = ", ".join(f"{what}: {text}" if what else text for what, text in program.waiting.items())
    match program.state:
        case "ended":
            yield f"{program.name} has ended by itself: see `renkei logs {program.name}`, start it with `renkei up`"
        case "silent":
            yield f"{program.name} does not answer: {why}"
        case "waiting":
            yield f"{program.name} waits: {why}"


def _missing(programs: Sequence[Program]) -> Iterator[str]:
    """A service that no process runs, after a start that was broken off."""
    there = {service.name for one in programs if one.name not in SERVERS for service in services_of(one.name)}
    if missing := [service.name for service in SERVICES if service.name not in there]:
        yield f"nothing runs {', '.join(missing)}: start it with `renkei up`"


def _beat(facts: Facts) -> Iterator[str]:
    if facts.beat is None:
        yield "no beat of the hub on the directory's topic: does the hub run?"
    elif not isinstance(facts.beat, Unknown) and facts.beat.seconds > LATE:
        since = duration(facts.beat.seconds)
        yield f"no beat of the hub for {since}: after five minutes every other service stops working until it beats"


def _edition(program: Program, facts: Facts) -> Iterator[str]:
    if isinstance(facts.beat, Unknown) or facts.beat is None or program.edition is None or not facts.beat.settled:
        return
    if program.edition < facts.beat.edition:
        yield f"{program.name} works by edition {program.edition} of the directory, the hub's is {facts.beat.edition}"


def _lag(lag: Lag, at: datetime) -> Iterator[str]:
    if lag.missing:
        yield f"group {lag.group} has no offset on {lag.missing} partitions of {lag.topic}: `renkei topics apply`"
    if lag.outrun:
        yield f"group {lag.group} has offsets outside of {lag.topic}: records were lost, see the README"
    if lag.held:
        where = ", ".join(map(str, lag.held))
        yield (
            f"{lag.topic}: a transaction is open on partition {where}, and {lag.group} waits for what comes behind it: "
            "if this stays, see services/operator/README.md"
        )
    if lag.oldest is not None and at.timestamp() - lag.oldest / 1000 > LATE:
        since = duration(at.timestamp() - lag.oldest / 1000)
        yield f"{lag.group} has {lag.left} records left to do, the oldest for {since}"


def _quarantine(facts: Facts, at: datetime) -> Iterator[str]:
    held = facts.quarantine
    if isinstance(held, Unknown):
        if not isinstance(facts.groups, Unknown):  # else Kafka's own line says it
            yield f"quarantine: {held.reason}"
    elif held.count:
        since = duration((at - moment(held.since)).total_seconds())
        yield f"quarantine holds {held.count}, the oldest for {since}: see `renkei quarantine list`"


def _keys(facts: Facts) -> Iterator[str]:
    keys = facts.keys
    if isinstance(keys, Unknown):
        yield f"keys: {keys.reason}"
    elif keys.ending:
        codes = " ".join(code for code, _, _ in keys.first) if keys.ending == len(keys.first) else "--all"
        yield f"keys of {keys.ending} agencies end within a month: `renkei keys renew {codes}`, then `renkei directory publish`"


def _known(groups: Sequence[Lag] | Unknown) -> Sequence[Lag]:
    return () if isinstance(groups, Unknown) else groups
