"""What must hold once everything has come to rest, whatever has happened on the way (architecture section 4).

Every inquiry whose assertion holds ends once, as it may; what repeats says the same; nothing is lost, invented, answered
twice, overtaken, set aside, or committed before what it caused.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from schemas import canonical, jwe, quarantine, topics
from schemas.control import LIMIT, Control
from schemas.directory import DEFAULT_SYSTEM
from schemas.message import Message
from schemas.refusal import SecurityCode
from schemas.text import decoded, moment
from schemas.trail import read
from schemas.wire.envelope import Envelope
from services.hub.permitting import noted
from services.runtime.rest import AtRest
from tests.simulation import poison as poisoned
from tests.simulation.ground import START, business_of
from tests.simulation.inquiries import ENDS, UNTIMELY, Asked
from tests.simulation.universe import JUMP, Universe

INSIDE: Final = frozenset(str(code) for code in SecurityCode)
EXCUSED: Final = frozenset({SecurityCode.CLOCK_SKEW, SecurityCode.KEY_REVOKED, SecurityCode.UNKNOWN_KEY})
"""What clocks that jump and a key that is revoked on the way may bring."""

LEDGERS: Final = (topics.intermediate_recorded, topics.linkage_recorded, topics.hub_recorded)
Meaning = tuple[str, bytes, str]
"""Kind of the event, control part and business part."""


@dataclass(frozen=True)
class Oracle:
    """Looks at what one execution has left behind; each rule yields what is wrong."""

    universe: Universe
    asked: Sequence[Asked]

    def faults(self) -> list[str]:
        """Everything that is wrong; nothing, if all is well."""
        rules = (
            self._steps, self._completed, self._states, self._once, self._order, self._cases, self._aside, self._incidents,
        )  # fmt: skip
        return [fault for rule in rules for fault in rule()]

    def _steps(self) -> Iterator[str]:
        """No step fails but for want of something; no batches wait for each other in a circle; no commit is premature."""
        yield from self.universe.failures
        yield from self.universe.cluster.premature
        for name, tables in self.universe.tables.items():
            if tables.deadlocks:
                yield f"{tables.deadlocks} deadlocks in {name}"

    def _completed(self) -> Iterator[str]:
        """One meaning for every event, the right one, and an event for everything that must have one."""
        meanings: dict[str, set[Meaning]] = defaultdict(set)
        for record in self.universe.cluster.all(topics.exchange_completed):
            said = self._opened(record)
            business = canonical.encode(said["business"]).decode()
            meaning = (record.headers["ce_type"].decode(), canonical.encode(said["control"]), business)
            meanings[record.headers["ce_id"].decode()].add(meaning)
        for one in self.asked:
            yield from self._ending(one, meanings)
        for event, _ in meanings.items():
            yield f"{event} was completed, which nobody has asked"

    def _opened(self, record: Message) -> Any:
        """What the posting system reads of an event."""
        key = self.universe.ground.keys[record.key, "answer"]
        addressed = jwe.Addressed(record.headers["ce_id"].decode(), record.key, DEFAULT_SYSTEM)
        return json.loads(jwe.opened(record.value, addressed, {key.kid: (key.record.algorithm, key.private)}))

    def _ending(self, one: Asked, meanings: dict[str, set[Meaning]]) -> Iterator[str]:
        where, exchange = f"{one.sort} {one.place}", one.posted.question.id
        found = meanings.pop(f"{exchange}/0", set())
        if one.sort == "forged":
            if found:
                yield f"{where} was completed, and its assertion does not hold"
            return
        if len(found) != 1:
            yield f"{where} has {len(found)} meanings instead of one"
            return
        [(kind, control, business)] = found
        if self._kept(one) != (kind, control, business):
            yield f"{where} was told something else than what is kept"
        part = json.loads(business)
        word = part.get("code") or part["outcome"]
        poison = self.universe.poison
        allowed = set(ENDS[one.sort] if poison is None or poison.exchange != exchange else poisoned.ENDS)
        if not self.universe.faults.timely:
            allowed |= UNTIMELY | ({"records"} if one.sort == "late" else set())
            allowed |= {"timed_out"} if self._excused(one) else set()
        if word not in allowed:
            yield f"{where} ended as {word}, not as one of {sorted(allowed)}"
        if word == "records" and part != business_of(one.posted.question.receiver, self._first(one)):
            yield f"{where} got an answer about somebody else"
        reused = [event for event in meanings if event.startswith(f"{exchange}/outbound.requested")]
        words = {json.loads(text).get("code") for event in reused for *_, text in meanings.pop(event)}
        if (len(reused), words) != ((1, {"id_reused"}) if one.again else (0, set())):
            yield f"{where}: {len(reused)} requests were refused as {words}"

    def _excused(self, one: Asked) -> bool:
        """Whether nobody's answer may end it: its time was over by some clock, or a message of it was rightly dropped."""
        question = one.posted.question
        assert question.expires is not None
        late = moment(question.expires) - START <= self.universe.farthest + JUMP
        return late or any(control.exchange == question.id for control in self._struck())

    def _kept(self, one: Asked) -> Meaning | None:
        """What the asker finds in the table, in the words of the event."""
        agency, where = one.place
        row = self.universe.tables["exchange"].rows["exchanges"].get((agency, where))
        if row is None or row["state"] == "open":
            return None
        rest = AtRest(self.universe.ground.key_rings("intermediate"), self.universe.clock)
        business = rest.open_part(agency, row["sealed"], "value", row["control"], row["value"]).decode()
        return (f"renkei.exchange.{row['state']}", row["control"], business)

    def _first(self, one: Asked) -> int:
        """Whom the request is about that stands first on the topic of those with this id."""
        for record in self.universe.cluster.all(topics.outbound_requested):
            if (record.key, json.loads(record.headers["control"])["id"]) == one.place:
                return int(record.headers["subject"].decode()[-4:])
        raise AssertionError(one.place)

    def _states(self) -> Iterator[str]:
        """One final state an exchange."""
        rows = self.universe.tables["exchange"].rows["exchanges"]
        wanted = {one.place for one in self.asked if one.sort != "forged"}
        found = {(agency, str(where)) for agency, where in rows}
        if found != wanted:
            yield f"exchanges {found} instead of {wanted}"
        yield from (f"{place} is still open" for place, row in rows.items() if row["state"] == "open")

    def _once(self) -> Iterator[str]:
        """One D for (sender, id): every record that was delivered under a permit carries the one that is stored."""
        stored = {
            (agency, str(where)): noted(row["note"]).decision
            for (agency, _, _, where), row in self.universe.tables["hub"].rows["decisions"].items()
        }
        for record in self.universe.cluster.all(topics.network_delivered):
            if "permit" in record.headers:
                said, carried = _control(record), Envelope.of(record).permits.decision
                if carried != stored.get((said.sender, said.id)):
                    yield f"{said.id} was delivered under {carried}, stored is {stored.get((said.sender, said.id))}"

    def _order(self) -> Iterator[str]:
        """First deliveries of one sender to one receiver keep their order from accept to open (section 4.5).

        Where the first was dropped as an incident that jumping clocks excuse, a later copy comes when it comes."""
        dropped = {(said.sender, said.id) for said in self._struck()}
        posted: dict[tuple[str, str], list[str]] = defaultdict(list)
        for record in self.universe.cluster.all(topics.outbound_requested):
            said = json.loads(record.headers["control"])
            _first_of(posted[said["sender"], said["receiver"]], said["id"])
        opened: dict[tuple[str, str], list[str]] = defaultdict(list)
        for record in self.universe.cluster.all(topics.inbound_opened):
            control = _control(record)
            if control.kind == "inquiry" and (control.sender, control.id) not in dropped:
                _first_of(opened[control.sender, control.receiver], control.id)
        for parties, ids in opened.items():
            if ids != [one for one in posted[parties] if one in ids]:
                yield f"{parties} posted {posted[parties]}, opened {ids}"

    def _struck(self) -> list[Control]:
        """Messages of which a delivery was dropped by an excused incident."""
        records = [record for ledger in LEDGERS for record in self.universe.cluster.all(ledger)]
        return [_control(one) for one in records if read(one.headers["trail"]).findings[-1].outcome in EXCUSED]

    def _cases(self) -> Iterator[str]:
        """An answered case has let one answer leave, however often: the one that is stored."""
        stored = self.universe.tables["routing"].rows["cases"]
        for record in self.universe.cluster.all(topics.outbound_coded):
            control = _control(record)
            if control.kind == "response" and control.in_reply_to is not None:
                row = next((row for key, row in stored.items() if _is(key, control)), None)
                said = record.headers["control"]
                if row is None or (row["state"] == "answered" and row["answer_control"] != said):
                    yield f"an answer left that no case has: {control.in_reply_to.id}"

    def _aside(self) -> Iterator[str]:
        """What is poisoned is in quarantine, and nothing else."""
        poison, found = self.universe.poison, 0
        for record in self.universe.cluster.all(topics.record_quarantined):
            held = quarantine.read(record)
            ours = poison is not None and poison.is_in(quarantine.original_of(held, self.universe.ground.quarantine))
            found += ours
            if not ours:
                yield f"{record.key} is in quarantine: {held.said.error}, {held.said.place}"
        if poison is not None and not found:
            yield f"{poison} was not set aside"

    def _incidents(self) -> Iterator[str]:
        """No security event by our own doing, and one for every assertion that does not hold, and for an impostor."""
        excused = set() if self.universe.faults.timely else EXCUSED
        refused = {
            SecurityCode.BAD_ASSERTION,
            *([SecurityCode.ID_REUSED] if any(one.again for one in self.asked) else []),
        }
        forged, impostors = 0, 0
        for record in [record for topic in LEDGERS for record in self.universe.cluster.all(topic)]:
            last = read(record.headers["trail"]).findings[-1]
            forged += last.outcome == SecurityCode.BAD_ASSERTION
            reused = (last.layer, last.outcome) == ("hub", SecurityCode.ID_REUSED) and self.universe.impostors
            impostors += bool(reused)
            if last.layer == "directory" or (last.layer == "exchange" and last.outcome in refused) or reused:
                continue
            if last.outcome in INSIDE and last.outcome not in excused | {"not_in_law_table"}:
                yield f"{last.layer} recorded {last.outcome}: {last.rule}"
        if bool(forged) != any(one.sort == "forged" for one in self.asked):
            yield f"{forged} bad assertions were recorded"
        if self.universe.impostors and not impostors and self.universe.faults.timely:
            yield "an impostor was not noticed"


def _is(case: tuple[str, str, object], control: Control) -> bool:
    assert control.in_reply_to is not None
    return (case[0], case[1], str(case[2])) == (control.sender, control.receiver, control.in_reply_to.id)


def _control(record: Message) -> Control:
    return decoded(Control, record.headers["control"], LIMIT)


def _first_of(ids: list[str], one: str) -> None:
    if one not in ids:
        ids.append(one)
