"""The facts on one screen."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.text import moment
from services.operator.status.facts import Facts, Program, Unknown
from services.operator.status.programs import SERVERS
from services.operator.status.words import duration, size
from services.runtime.kafka.lags import Lag
from services.topology import services_of

COLOURS = {"ready": "green", "waiting": "yellow", "silent": "red", "ended": "red"}


def rendered(facts: Facts, attention: Sequence[str]) -> RenderableType:
    """Processes, then a line each for the rest, then what needs attention."""
    well = Text("Everything is well.", "green") if not attention else Text("What needs attention:", "bold red")
    return Group(
        Text(f"{facts.folder}, {facts.time[:19].replace('T', ' ')} UTC"),
        _programs(facts),
        *_groups(facts),
        Text(f"directory    {_directory(facts)}"),
        Text(f"quarantine   {_quarantine(facts)}"),
        Text(f"posts        {_posts(facts)}"),
        Text(f"keys         {_keys(facts)}"),
        *(Text(f"disk         {size(disk.free)} of {size(disk.total)} free, {disk.folder}") for disk in facts.disks),
        well,
        *(Text(f"- {text}") for text in attention),
    )


def _programs(facts: Facts) -> Table:
    table = Table("process", "state", "pid", "up for", "memory", "restarts", "edition", box=None, pad_edge=False)
    for one in facts.programs:
        table.add_row(
            one.name,
            Text(one.state, COLOURS[one.state]),
            str(one.pid or ""),
            _up(one, facts.time),
            "" if one.memory is None else size(one.memory),
            str(one.restarts),
            "" if one.edition is None else str(one.edition),
        )
    return table


def _up(one: Program, at: str) -> str:
    return "" if one.since is None else duration((moment(at) - moment(one.since)).total_seconds())


def _groups(facts: Facts) -> list[RenderableType]:
    if isinstance(facts.groups, Unknown):
        return [Text(f"groups       not known: {facts.groups.reason}")]
    busy = [lag for lag in facts.groups if lag.left]
    line = Text(f"groups       {len(facts.groups) - len(busy)} of {len(facts.groups)} have nothing left to do")
    return [line, *([_lags(busy, facts.time)] if busy else [])]


def _lags(busy: Sequence[Lag], at: str) -> Table:
    table = Table("group", "left to do", "oldest", box=None, pad_edge=False)
    for lag in busy:
        oldest = "" if lag.oldest is None else duration(moment(at).timestamp() - lag.oldest / 1000)
        table.add_row(lag.group, str(lag.left), oldest)
    return table


def _directory(facts: Facts) -> str:
    published = f"not known: {facts.published.reason}" if isinstance(facts.published, Unknown) else facts.published
    match facts.beat:
        case Unknown(reason):
            beat = f"last beat not known: {_why(facts, reason)}"
        case None:
            beat = "no beat of the hub"
        case found:
            beat = f"last beat {duration(found.seconds)} ago, with edition {found.edition}"
    return f"edition published {published}; {beat}"


def _quarantine(facts: Facts) -> str:
    match facts.quarantine:
        case Unknown(reason):
            return f"not known: {_why(facts, reason)}"
        case held if held.count:
            return f"{held.count} held; the oldest {held.position} since {held.since} ({held.service}, {held.error})"
    return "nothing is held"


def _posts(facts: Facts) -> str:
    """Faulty ones over Kafka, by the process that reads them."""
    found = [one for one in facts.programs if one.posts is not None and "exchange" in services_names(one.name)]
    said = [
        f"{one.posts} over Kafka dropped or in another partition since {one.since} (see `renkei logs {one.name}`)"
        if one.posts
        else f"none over Kafka dropped since {one.since}"
        for one in found
    ]
    return "; ".join(said) or "not known: no process reads them"


def services_names(program: str) -> set[str]:
    """Which services a process runs; none for a server."""
    return set() if program in SERVERS else {service.name for service in services_of(program)}


def _keys(facts: Facts) -> str:
    match facts.keys:
        case Unknown(reason):
            return f"not known: {reason}"
        case keys if keys.ending:
            first = ", ".join(
                f"{code} {purpose} {f'until {until[:10]}' if until else 'has none'}"
                for code, purpose, until in keys.first
            )
            return f"{keys.ending} of {keys.agencies} agencies lack a key within a month: {first}"
        case keys:
            return f"of {keys.agencies} agencies, none ends within a month"


def _why(facts: Facts, reason: str) -> str:
    """What Kafka holds is not known for the one reason that is said once."""
    return "see above" if isinstance(facts.groups, Unknown) else reason
