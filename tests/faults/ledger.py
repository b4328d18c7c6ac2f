"""What was posted against what was completed, stored and recorded: none lost, none twice in effect, each pair in order
(architecture section 4.5), nothing in clear."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from schemas.canonical import Malformed
from schemas.message import Message
from schemas.refusal import SecurityCode
from schemas.trail import read
from tests import site as sites
from tests.faults.books import Evidence
from tests.faults.ground import Case
from tests.many import STORED

SECURITY: Final = frozenset(str(code) for code in SecurityCode)
UNTIMELY: Final = str(SecurityCode.CLOCK_SKEW)
"""What two clocks that differ by more than five minutes bring: recorded, never answered (message.md section 5); the asker
hears of it by the deadline."""


@dataclass(frozen=True)
class Verdict:
    """Each list says what, in words; all empty means that the books balance."""

    lost: Sequence[str] = ()
    twice: Sequence[str] = ()
    disordered: Sequence[str] = ()
    clear: Sequence[str] = ()
    wrong: Sequence[str] = ()

    def balanced(self) -> bool:
        return not any((self.lost, self.twice, self.disordered, self.clear, self.wrong))


@dataclass(frozen=True)
class Ledger:
    """Who was asked about by which exchange, and what has become of it."""

    posted: Mapping[str, Case]
    evidence: Evidence
    differing: bool = False
    """Whether clocks were made to differ: else nothing excuses anything."""

    def verdict(self) -> Verdict:
        return Verdict(
            lost=[*self._unended(), *self._unstored(), *self._unrecorded()],
            twice=[*self._differing(), *self._stored_twice()],
            disordered=list(self._overtaken()),
            clear=self.evidence.clear,
            wrong=[*self._wrong(), *self._events(), *self._aside()],
        )

    @cached_property
    def untimely(self) -> set[str]:
        """The exchanges of which a security event says that clocks differ, where they may."""
        if not self.differing:
            return set()
        skewed = [record for record in self.evidence.recorded if _last(record)[1] == UNTIMELY]
        return {record.control.exchange for record in skewed if "control" in record.headers} & self.posted.keys()

    @cached_property
    def _ends(self) -> dict[str, set[tuple[bytes, bytes]]]:
        found: dict[str, set[tuple[bytes, bytes]]] = defaultdict(set)
        for end in self.evidence.completed:
            found[end.exchange].add((end.control, end.business))
        return found

    def _unended(self) -> Iterator[str]:
        yield from (f"{exchange} has no end" for exchange in self.posted if exchange not in self._ends)

    def _differing(self) -> Iterator[str]:
        """What repeats says the same."""
        yield from (f"{exchange} has {len(ends)} ends" for exchange, ends in self._ends.items() if len(ends) > 1)

    def _unstored(self) -> Iterator[str]:
        least = len(self.posted) - len(self.untimely)
        for table, count in self.evidence.stored.items():
            if count < STORED[table] * least:
                yield f"{table} has {count} rows, not {STORED[table] * least}"

    def _stored_twice(self) -> Iterator[str]:
        for table, count in self.evidence.stored.items():
            if count > STORED[table] * len(self.posted):
                yield f"{table} has {count} rows, not {STORED[table] * len(self.posted)}"

    def _unrecorded(self) -> Iterator[str]:
        """Both blocks and the hub have recorded question and answer."""
        told: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for record in self.evidence.recorded:
            if "control" in record.headers:
                told[record.control.exchange].add((record.position.topic, record.control.kind))
        for exchange in self.posted.keys() - self.untimely:
            if missing := RECORDED - told[exchange]:
                yield f"{exchange} is not recorded: {sorted(missing)}"

    def _overtaken(self) -> Iterator[str]:
        """First occurrences on `inbound.opened` stand as those on `outbound.requested` do, for each pair; where the first
        was dropped for its clock, a copy of it may come at any time."""
        asked = _firsts(self.evidence.requested)
        opened = _firsts([record for record in self.evidence.opened if self._in_order(record)])
        for pair, ids in opened.items():
            there = set(ids)
            if ids != [one for one in asked[pair] if one in there]:
                yield f"{pair[0]} to {pair[1]}: {len(ids)} inquiries were not opened in the order in which they stand"

    def _in_order(self, record: Message) -> bool:
        return record.control.kind == "inquiry" and record.control.exchange not in self.untimely

    def _wrong(self) -> Iterator[str]:
        """Every end is the answer that the provider's copy holds; or, where clocks differed, the deadline's."""
        for exchange, ends in self._ends.items():
            case = self.posted.get(exchange)
            for _, business in ends:
                part = json.loads(business)
                right = case and {"outcome": "records", "records": [sites.copy_of(case.resident)]}
                late = exchange in self.untimely and part.get("code") == "timed_out"
                if part != right and not late:
                    yield f"{exchange} ended as {part.get('code', part['outcome'])}" + " of another" * (case is None)

    def _events(self) -> Iterator[str]:
        alarms = SECURITY - {UNTIMELY} if self.differing else SECURITY
        for record in self.evidence.recorded:
            layer, outcome = _last(record)
            if outcome in alarms and layer != "directory":
                yield f"{layer} recorded {outcome}"

    def _aside(self) -> Iterator[str]:
        if self.evidence.aside:
            yield f"{self.evidence.aside} messages were set aside"


RECORDED: Final = frozenset(
    (f"{ledger}.recorded", kind) for ledger in ("intermediate", "linkage", "hub") for kind in ("inquiry", "response")
)


def _firsts(records: Sequence[Message]) -> dict[tuple[str, str], list[str]]:
    """By sender and receiver the ids in the order of their first record."""
    found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for record in records:
        said = json.loads(record.headers["control"])
        found[said["sender"], said["receiver"]].setdefault(said["id"])
    return defaultdict(list, {pair: list(ids) for pair, ids in found.items()})


def _last(record: Message) -> tuple[str, str]:
    """Layer and outcome of the last finding."""
    try:
        finding = read(record.headers.get("trail", b"")).findings[-1]
    except (IndexError, Malformed):
        return "", ""
    return finding.layer, finding.outcome
