"""Two agencies and a hub that can do everything: keys, a signed directory, rings, one person whom both know.

Each test gets its own, so that it may revoke a key, take away a record or move the clock.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from schemas.catalogue import load_catalogue
from schemas.control import Basis, Item
from schemas.directory import (
    HUB,
    AgencyRecord,
    AnyRecord,
    AssessmentRecord,
    Grant,
    PolicyRecord,
)
from schemas.law import EDITION as LAW
from schemas.law import load_table
from schemas.message import Message
from schemas.policy import Rules
from schemas.text import moment
from services.crypto.opening import Opener
from services.hub.checking import Checker
from services.hub.judging import Judge
from services.hub.link_codes import LinkCodes
from services.hub.permitting import Permitter
from services.operator.keys.enrolment import YEAR, make_key
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings, PrivateKey, Ring
from services.runtime.rest import AtRest
from services.runtime.wrapping import ContentKeys
from tests import enrolled
from tests.vectors.world import EDITION, NOVEMBER, NOW, World

SENDER: Final = "221309"
RECEIVER: Final = "401307"
OFFICE: Final = "市民税課"
ROLE: Final = "tax_clerk"
BASIS: Final = Basis(edition=LAW, row="27", branch=4)
"""市町村長 asks 市町村長 for 地方税関係情報."""
ITEM: Final = Item(name="income_tax_certificate", layout=1)
RULES: Final = Rules(load_table(), load_catalogue())
HELD: Final = {SENDER: ("sign", "sender's wrap"), RECEIVER: ("receiver's sign", "wrap", "wrap next")}
HUBS: Final = ("hub", "hub's sign", "permit")
CORE: Final = 7
WORLD: Final = World("1", SENDER, RECEIVER, "checks")
"""Its keys never change; what the directory says of them may."""


@dataclass
class Parties:
    """The world, and how far its clock has gone; both agencies may ask each other for everything."""

    world: World = WORLD
    now: str = NOW
    quota: int = 1000

    def clock(self) -> datetime:
        return moment(self.now)

    @cached_property
    def codes(self) -> LinkCodes:
        return LinkCodes(self.world.secret("permutation"))

    @cached_property
    def directory(self) -> Directory:
        """As every service has it: verified records, and a beat that adds them up."""
        opened = Directory({code: enrolled.root(self.world, code) for code in (SENDER, RECEIVER, HUB)}, self.clock)
        opened.fold([enrolled.published(self.world, record) for record in self._records()])
        opened.fold([enrolled.beat(self.world.keys["hub's sign"], EDITION, self.now, opened)])
        assert (opened.edition, not opened.ignoring.counts) == (EDITION, True), opened.ignoring.counts
        return opened

    def publish(self, record: AnyRecord) -> None:
        """Another record, or a later version of one."""
        self.directory.fold([enrolled.published(self.world, record)])
        assert not self.directory.ignoring.counts, self.directory.ignoring.counts

    def change_key(self, name: str, **changed: str) -> None:
        """The next version of the key of that name."""
        record = self.directory.keys[self.world.keys[name].kid]
        self.publish(record.model_copy(update={"version": record.version + 1, **changed}))

    def beat(self, edition: int) -> Message:
        """The hub's heartbeat."""
        return enrolled.beat(self.world.keys["hub's sign"], edition, self.now, self.directory)

    @cached_property
    def judge(self) -> Judge:
        keys = self._rings([HUB])
        checker = Checker(keys, self.directory, RULES, self.codes, self.clock)
        return Judge(checker, Permitter(keys, self.directory, self.codes, ContentKeys(self.clock), self.clock))

    @cached_property
    def opener(self) -> Opener:
        return Opener(self.receivers_keys, self.directory, self.clock, quota=self.quota)

    @cached_property
    def rest(self) -> AtRest:
        """Of the receiver's site."""
        return AtRest(self.receivers_keys, self.clock)

    @cached_property
    def receivers_keys(self) -> KeyRings:
        return self._rings([RECEIVER])

    @cached_property
    def senders_keys(self) -> KeyRings:
        return self._rings([SENDER])

    def _records(self) -> list[AnyRecord]:
        clerk = Grant(office=OFFICE, role=ROLE, rows=["27"])
        keys: list[AnyRecord] = [key.record for key in self.world.keys.values()]
        return keys + [
            record
            for code in (SENDER, RECEIVER)
            for record in (
                AgencyRecord(agency=code, version=1, name=code, classes=["mayor"], items=[ITEM]),
                PolicyRecord(agency=code, version=1, grants=[clerk], automatic=clerk),
                AssessmentRecord(agency=code, version=1, rows=["27"]),
            )
        ]

    def _rings(self, agencies: list[str]) -> KeyRings:
        rings = {agency: Ring(agency=agency, keys=self._held(agency)) for agency in agencies}
        return KeyRings(Path("unused"), b"", "unused", _rings=rings)

    def _held(self, agency: str) -> list[PrivateKey]:
        """The world's keys of the agency, and symmetric ones of which the directory knows nothing."""
        starts, until = map(moment, NOVEMBER)
        own = [
            make_key(agency, "salt", "hmac-sha256", starts, until),
            make_key(agency, "data", "aes-256-gcm", starts, until + 10 * YEAR),
        ]
        named = [self.world.keys[name] for name in HELD.get(agency, HUBS)]
        return [made.private for made in own] + [enrolled.held(key) for key in named]
