"""What a service does with its tables, drawn from a seed: the stores' own functions, with arguments from few enough values
that rows meet each other."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from schemas.control import Control, Officer, Question
from schemas.directory import HUB
from schemas.message import Message
from schemas.text import instant
from schemas.wire.envelope import Decision, LawRow
from services.exchange import store as exchange
from services.exchange.store import Asked, Finished
from services.hub import store as hub
from services.hub.checking import Provision
from services.hub.permitting import Note
from services.id_conversion import store as id_conversion
from services.reference import store as reference
from services.reference.store import Replica, Wanted
from services.routing import store as routing
from services.routing.store import Answer
from services.runtime import decisions
from services.runtime.decisions import Decided
from services.runtime.postgres import Connection
from tests.simulation.ground import AGENCIES, BASIS, ITEM, START

Operation = Callable[[Connection], Awaitable[Any]]
"""To be done in any transaction, with the same result on the same rows."""
IDS: Final = [f"019ab1c2-0000-7000-8000-00000000000{number}" for number in range(1, 5)]
DAY: Final = date(2026, 11, 24)


@dataclass(frozen=True)
class Drawing:
    """Draws arguments, all of them about these agencies."""

    chance: random.Random
    agencies: Sequence[str]

    def operations(self, service: str) -> list[Operation]:
        """One of each kind that the service knows."""
        made: dict[str, Callable[[], list[Operation]]] = {
            "exchange": self._exchange,
            "routing": self._routing,
            "id_conversion": self._id_conversion,
            "reference": self._reference,
            "hub": self._hub,
            "crypto": list,
        }
        decided = [] if service in ("id_conversion", "reference") else self._decisions()
        return [*decided, *made[service]()]

    # — what arguments are made of

    def agency(self) -> str:
        return self.chance.choice(self.agencies)

    def moment(self) -> str:
        return instant(START + timedelta(milliseconds=self.chance.randint(-3, 3)))

    def word(self, *words: str) -> str:
        return self.chance.choice(words or ("a", "b", "c"))

    def data(self) -> bytes:
        return self.word().encode()

    def some(self, make: Callable[[], Any]) -> list[Any]:
        return [make() for _ in range(self.chance.randint(1, 4))]

    def control(self) -> Control:
        sender = self.agency()
        receiver = next(agency for agency in AGENCIES if agency != sender)
        officer = Officer(office="x", role="y", staff=self.word())
        question = Question(
            id=self.word(*IDS), sender=sender, receiver=receiver, basis=BASIS, item=ITEM, officer=officer
        )
        return question.completed(self.moment(), self.moment())

    # — operations

    def _decisions(self) -> list[Operation]:
        def decided() -> Decided:
            agency = self.agency()
            place = (agency, self.word("permit", "open"), agency, self.word(*IDS))
            note = Note(decision=self._decision(), time=self.moment()).encoded().decode()
            return Decided(place, self.data(), self.word(), self.word(), note, self.moment())

        proposals = self.some(decided)
        places = [one.place for one in self.some(decided)]
        return [lambda on: decisions.settle(on, proposals), lambda on: decisions.recall(on, places)]

    def _decision(self) -> Decision:
        law, nothing = LawRow(edition=BASIS.edition, row=BASIS.row, branch=BASIS.branch), "A" * 43
        return Decision(hub=HUB, message=nothing, subject=nothing, law=law, directory=1, time=self.moment())

    def _exchange(self) -> list[Operation]:
        asked = self.some(lambda: Asked(self.control(), self.data()))
        places = [(self.agency(), self.word(*IDS)) for _ in range(3)]
        ended = [
            Finished(place, self.word("answered", "refused"), self.moment(), self.data(), self.data(), self.word())
            for place in places
        ]
        agencies, before, limit = {self.agency(), self.agency()}, self.moment(), self.chance.randint(1, 3)
        ids = {self.word(*IDS) for _ in range(self.chance.randint(0, 2))}
        counts, agency = {self.agency(): self.chance.randint(1, 3)}, self.agency()
        officers = self.some(lambda: Officer(office="x", role=self.word(), staff=self.word()))
        known = {(self.agency(), officer) for officer in officers}
        return [
            lambda on: exchange.open_exchanges(on, asked),
            lambda on: exchange.standing(on, places),
            lambda on: exchange.finish(on, ended),
            lambda on: exchange.due(on, agencies, before, ids, limit),
            lambda on: exchange.opened(on, agencies, DAY),
            lambda on: exchange.count_opened(on, counts, DAY),
            lambda on: exchange.known_staff(on, known),
            lambda on: exchange.load_staff(on, agency, officers),
            lambda on: exchange.listed_staff(on, agency),
        ]

    def _routing(self) -> list[Operation]:
        def inquiry() -> tuple[Message, str]:
            headers = {
                "control": self.control().encoded(), "subject": self.data(), "sealed": self.data(), "proof": self.data()
            }  # fmt: skip
            return Message(self.agency(), self.data(), headers), self.moment()

        def answer() -> Answer:
            return Answer(self.data(), self.data(), self.data(), self.word())

        inquiries = self.some(inquiry)
        cases = {routing.case_of(message) for message, _ in [*self.some(inquiry), *self.some(inquiry)]}
        answers = {case: answer() for case in sorted(cases)[:2]}
        parked = sorted(cases)[-1:]
        return [
            lambda on: routing.open_cases(on, inquiries),
            lambda on: routing.standing(on, cases),
            lambda on: routing.answer(on, answers),
            lambda on: routing.park(on, parked),
        ]

    def _id_conversion(self) -> list[Operation]:
        numbers = sorted({(self.agency(), self.data()) for _ in range(3)})
        rows = [(agency, number, b"link" + number) for agency, number in numbers]
        columns = [
            *map(list, zip(*rows, strict=True)),
            *([self.data() for _ in rows] for _ in range(2)),
            [self.word() for _ in rows],
        ]
        wanted = sorted({(self.agency(), self.data()) for _ in range(3)})
        coded = [(agency, b"link" + number) for agency, number in wanted]

        async def enroll(on: Connection) -> None:
            await on.execute(id_conversion._ENROLL, *columns)

        async def by_number(on: Connection) -> set[tuple[Any, ...]]:
            rows = await id_conversion._found(on, id_conversion._BY_NUMBER, wanted)
            return {(row["agency"], row["number"], row["sealed_link_code"], row["sealed"]) for row in rows}

        async def by_link_code(on: Connection) -> set[tuple[Any, ...]]:
            rows = await id_conversion._found(on, id_conversion._BY_LINK_CODE, coded)
            return {(row["agency"], row["link_code"], row["sealed_number"], row["sealed"]) for row in rows}

        return [enroll, by_number, by_link_code]

    def _reference(self) -> list[Operation]:
        def year() -> int:
            return self.chance.randint(2024, 2026)

        def person() -> tuple[str, bytes]:
            return (self.agency(), self.data())

        def order() -> tuple[int, int]:
            return (self.chance.randint(0, 3), self.chance.randint(0, 3))

        def replica() -> Replica:
            return Replica(person(), "i", 1, year(), self.data(), self.data(), self.word())

        replicas = self.some(lambda: (replica(), order()))
        wanted = self.some(lambda: Wanted(person(), "i", 1, (year() - 1, year())))
        flags = self.some(lambda: (person(), self.chance.random() < 0.5, order()))
        persons, one = set(self.some(person)), person()
        return [
            lambda on: reference.register(on, replicas),
            lambda on: reference.find(on, wanted),
            lambda on: reference.flag(on, flags),
            lambda on: reference.manual(on, persons),
            lambda on: reference.has_copies(on, one),
            lambda on: reference.flagged(on, one),
        ]

    def _hub(self) -> list[Operation]:
        def provided() -> tuple[Provision, str]:
            core = self.chance.choice([None, 1, 2])
            provision = Provision(
                self.agency(), self.agency(), self.word(*IDS), b"", b"", self.word(), self.word(), core, self.moment()
            )
            return provision, self.moment()

        def publication() -> hub.Publication:
            return hub.Publication(self.word(), self.data(), self.data())

        count, cores = self.chance.randint(1, 2), set(self.some(lambda: self.chance.randint(1, 6)))
        provisions, asked = self.some(provided), {(self.agency(), self.word(*IDS)) for _ in range(3)}
        answered = {place: self.word(*IDS) for place in asked}
        handed, editions = self.some(publication), self.some(lambda: self.chance.randint(1, 9))
        limit, places = self.chance.randint(1, 3), self.some(self.word)
        return [
            lambda on: hub.add_persons(on, count),
            lambda on: hub.known_persons(on, cores),
            lambda on: hub.record(on, provisions),
            lambda on: hub.permitted(on, asked),
            lambda on: hub.mark_answered(on, answered),
            lambda on: hub.hand_in(on, handed),
            lambda on: hub.unpublished(on, limit),
            hub.published,
            lambda on: hub.published_at(on, places, limit),
            lambda on: hub.mark_published(on, editions),
            hub.last_edition,
        ]
