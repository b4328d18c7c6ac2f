"""What is the same for all seeds, made once: three municipalities and a hub, real keys, a signed directory, tables.

Everybody knows all persons, but for those whom their names here say otherwise.
"""

import asyncio
import functools
from collections import defaultdict
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from schemas import canonical
from schemas.control import Basis, Item, Officer
from schemas.directory import (
    HUB,
    AgencyRecord,
    AnyRecord,
    AssessmentRecord,
    Grant,
    PolicyRecord,
    Purpose,
    Root,
)
from schemas.law import EDITION as LAW
from schemas.message import Message
from schemas.quarantine import OperatorKey, new_key
from schemas.text import instant, moment
from services.exchange import store as exchange
from services.hub import store as hub
from services.hub.link_codes import LinkCodes
from services.id_conversion import store as id_conversion
from services.id_conversion.store import Code
from services.operator.keys.enrolment import YEAR, make_key
from services.operator.samples import income_tax_certificate
from services.reference import store as reference
from services.reference.service import PERSON
from services.reference.store import Replica
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings, PrivateKey, Ring
from services.runtime.rest import AtRest
from tests import enrolled
from tests.simulation.database import MemoryDatabase, Tables, Untroubled
from tests.vectors.world import NOVEMBER, NOW, Key, World

AGENCIES: Final = ("221309", "401307", "131016")
OFFICER: Final = Officer(office="市民税課", role="tax_clerk", staff="s-0101")
BASIS: Final = Basis(edition=LAW, row="27", branch=4)
UNLAWFUL: Final = BASIS.model_copy(update={"branch": 99})
ITEM: Final = Item(name="income_tax_certificate", layout=1)
START: Final = moment(NOW)
KNOWN: Final = (1, 2, 3)
"""Core ids of persons with a copy everywhere."""
FLAGGED: Final = 4
"""自動応答不可, everywhere."""
COPYLESS: Final = 5
STRANGER: Final = 6
"""Nobody has a link code of theirs."""
PURPOSES: Final[tuple[Purpose, ...]] = ("sign", "wrap", "assertion", "answer")
HUBS: Final[tuple[Purpose, ...]] = ("sign", "wrap", "permit")
SERVICES: Final = ("exchange", "id_conversion", "routing", "reference", "crypto", "hub")
"""Those with tables."""


@dataclass(frozen=True)
class Ground:
    """What every seed begins with, and nobody changes."""

    world: World
    rings: Mapping[str, Ring]
    roots: Mapping[str, Root]
    directory: Directory
    tables: Mapping[str, Tables]
    quarantine: OperatorKey
    keys: Mapping[tuple[str, Purpose], Key] = field(repr=False)

    def key_rings(self, block: str) -> KeyRings:
        """The rings of a block, as a process holds them."""
        mine = {agency: ring for agency, ring in self.rings.items() if (agency == HUB) == (block == "hub")}
        return KeyRings(Path("unused"), b"", block, _rings=dict(mine))

    def followed(self, clock: Clock) -> Directory:
        """The directory as a process has it that has read everything up to the start."""
        known = self.directory
        return Directory(
            known.roots,
            clock,
            agencies=dict(known.agencies),
            keys=dict(known.keys),
            policies=dict(known.policies),
            assessments=dict(known.assessments),
            edition=known.edition,
            beat=known.beat,
            complete=known.complete,
            standing=deepcopy(known.standing),
            _purposes=defaultdict(list, {purpose: list(keys) for purpose, keys in known._purposes.items()}),
        )


def number_of(agency: str, core: int) -> str:
    """The internal number of a person."""
    return f"N{agency}{core:04}"


def amount_of(agency: str, core: int) -> int:
    """What stands in the copy of a person at an agency, and in no other."""
    return int(agency) * 10 + core


def business_of(agency: str, core: int) -> dict[str, Any]:
    """The right answer about a person."""
    return {"outcome": "records", "records": [income_tax_certificate(2026, amount_of(agency, core))]}


@functools.cache
def ground() -> Ground:
    """Made once a process: keys are dear."""
    world = World("1", AGENCIES[0], AGENCIES[1], "simulation")
    keys = {
        (agency, purpose): world.key(f"{agency}/{purpose}", agency, purpose)
        for agency in (*AGENCIES, HUB)
        for purpose in (HUBS if agency == HUB else PURPOSES)
    }
    rings = {agency: Ring(agency=agency, keys=_held(agency, keys)) for agency in (*AGENCIES, HUB)}
    roots = {agency: enrolled.root(world, agency) for agency in (*AGENCIES, HUB)}
    directory = Directory(roots, lambda: START)
    made = Ground(world, rings, roots, directory, {name: Tables() for name in SERVICES}, new_key(), keys)
    messages = [enrolled.published(world, record) for record in _records(keys)]
    directory.fold(messages)
    directory.fold([enrolled.beat(keys[HUB, "sign"], len(messages), instant(START), directory)])
    assert (directory.edition, not directory.ignoring.counts) == (len(messages), True), directory.ignoring.counts
    asyncio.run(_populate(made, messages))
    return made


def _records(keys: Mapping[tuple[str, Purpose], Key]) -> list[AnyRecord]:
    clerk = Grant(office=OFFICER.office, role=OFFICER.role, rows=["27"])
    records: list[AnyRecord] = [key.record for key in keys.values()]
    for code in AGENCIES:
        records += [
            AgencyRecord(agency=code, version=1, name=code, classes=["mayor"], items=[ITEM]),
            PolicyRecord(agency=code, version=1, grants=[clerk], automatic=clerk, quota=1000),
            AssessmentRecord(agency=code, version=1, rows=["27"]),
        ]
    return records


def _held(agency: str, keys: Mapping[tuple[str, Purpose], Key]) -> list[PrivateKey]:
    starts, until = map(moment, NOVEMBER)
    later: timedelta = 10 * YEAR
    symmetric = [
        make_key(agency, "salt", "hmac-sha256", starts, until),
        make_key(agency, "data", "aes-256-gcm", starts, until + later),
        make_key(agency, "permutation", "aes-256", starts, until + later),
    ]
    named = [key for (owner, _), key in keys.items() if owner == agency]
    return [made.private for made in symmetric] + [enrolled.held(key) for key in named]


async def _populate(made: Ground, messages: list[Message]) -> None:
    """By the stores' own functions, as the operator's commands do it."""

    def at(name: str) -> MemoryDatabase:
        return MemoryDatabase(made.tables[name], Untroubled())

    rest = AtRest(made.key_rings("intermediate"), _start)
    codes = LinkCodes(made.rings[HUB].current("permutation", NOW).secret)
    async with at("hub").transaction({HUB}) as connection:
        assert await hub.add_persons(connection, COPYLESS) == [*range(1, COPYLESS + 1)]
        for message in messages:  # one by one, so that editions are those of the topic
            handed = hub.Publication(message.key, message.value, message.headers["signature"])
            await hub.hand_in(connection, [handed])
        await hub.mark_published(connection, range(1, 2 * len(messages)))
    for agency in AGENCIES:
        await _describe(agency, at, rest, codes)


async def _describe(agency: str, at: Any, rest: AtRest, codes: LinkCodes) -> None:
    enrolled = [
        Code(agency, number_of(agency, core).encode(), codes.issue(agency, core).encode())
        for core in range(1, COPYLESS + 1)
    ]
    async with at("id_conversion").transaction({agency}) as connection:
        await id_conversion.enroll(connection, rest, enrolled)
    async with at("exchange").transaction({agency}) as connection:
        await exchange.load_staff(connection, agency, [OFFICER])
    async with at("reference").transaction({agency}) as connection:
        await reference.register(connection, [(_replica(agency, core, rest), (0, 0)) for core in (*KNOWN, FLAGGED)])
        person = rest.index(agency, PERSON, number_of(agency, FLAGGED).encode())
        await reference.flag(connection, [((agency, person), False, (0, 0))])


def _replica(agency: str, core: int, rest: AtRest) -> Replica:
    records = canonical.encode([income_tax_certificate(2026, amount_of(agency, core))])
    sealed, control = rest.seal(agency, b"{}", {"value": records}), b"{}"
    person = rest.index(agency, PERSON, number_of(agency, core).encode())
    return Replica((agency, person), ITEM.name, 1, 2026, sealed["value"], control, sealed["sealed"].decode())


def _start() -> datetime:
    return START
