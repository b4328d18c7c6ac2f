"""The map of the services in the README: a table and a drawing, both from the topology and the services' docstrings."""

import inspect
import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from schemas import topics
from schemas.topics import Topic
from services.operator.generate.marked import between
from services.runtime.service import Service
from services.topology import SERVICES, all_topics

BEGIN: Final = "<!-- Written by `make gen` from services/topology.py. -->"
END: Final = "<!-- End of what `make gen` writes. -->"
BLOCKS: Final = {"intermediate": "中間IF", "linkage": "連携IF", "outside": "outside"}
TITLES: Final = {
    "intermediate": "intermediate interface (中間インターフェース機能)",
    "linkage": "linkage interface (連携インターフェース機能)",
}
"""The blocks that are drawn; what is outside of them stands where the arrows put it."""
ASIDE: Final = (
    topics.outbound_refused,
    topics.intermediate_recorded,
    topics.linkage_recorded,
    topics.record_quarantined,
    topics.hub_recorded,
    topics.directory,
)
"""Left out of the drawing, which would be all arrows; the text under it says where they go."""
SYSTEMS: Final = "systems([business systems])"
"""Who writes what no service writes, and reads what no service reads."""
_JAPANESE: Final = "[\u3040-\u30ff\u3400-\u9fff]"
_BRACKETS: Final = re.compile(rf" *\(([^()]*{_JAPANESE}[^()]*)\)")
_WORD: Final = re.compile(rf"{_JAPANESE}+")


def written_into(readme: str) -> str:
    """The README with the map as it is now; ValueError if its two markers are gone."""
    return between(readme, BEGIN, END, f"{table()}\n\n{drawing()}")


def table() -> str:
    """One line a service."""
    lines = ["| service | block | study's function | what it does | reads | writes |", "|---|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, SERVICES)])


def drawing() -> str:
    """Who hands what to whom, as a Mermaid flow chart."""
    lines = ["```mermaid", "flowchart TB"]
    for block, title in TITLES.items():
        members = [f"    {service.name}" for service in SERVICES if service.block == block]
        lines += [f'  subgraph {block}["{title}"]', *members, "  end"]
    return "\n".join([*lines, *_arrows(), "```"])


def _line(service: Service) -> str:
    sentence, function = described(service)
    link, reads = f"[`{service.name}`](services/{service.name}/README.md)", _names(service.reads) or "HTTP"
    return f"| {link} | {BLOCKS[service.block]} | {function} | {sentence} | {reads} | {_names(service.writes)} |"


def described(service: Service) -> tuple[str, str]:
    """The first sentence of the service's module, and the study's words in its brackets (or else in it)."""
    documented = inspect.getdoc(inspect.getmodule(service.resources)) or ""
    first = documented.partition("\n")[0]
    brackets = _BRACKETS.findall(first)
    return _BRACKETS.sub("", first), ", ".join(brackets or _WORD.findall(first))


def _names(some: Iterable[Topic]) -> str:
    return ", ".join(f"`{topic}`" for topic in some)


def _arrows() -> list[str]:
    """From writer to reader, with all topics between the two on one arrow."""
    between: dict[tuple[str, str], list[str]] = defaultdict(list)
    for service in SERVICES:
        if service.application is not None:
            between[SYSTEMS, service.name].append("HTTP")
    for topic in (topic for topic in all_topics() if topic not in ASIDE):
        writers = [service.name for service in SERVICES if topic in service.writes] or [SYSTEMS]
        readers = [service.name for service in SERVICES if topic in service.reads] or [SYSTEMS]
        for writer in writers:
            for reader in readers:
                between[writer, reader].append(topic.name)
    return [f"  {writer} -->|{'<br>'.join(names)}| {reader}" for (writer, reader), names in between.items()]
