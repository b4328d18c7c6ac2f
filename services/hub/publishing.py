"""The hub publishes the directory: what agencies signed and handed in, in the order of editions, and its own beat."""

from dataclasses import dataclass, field

import structlog

from schemas import topics
from schemas.directory import HUB, Beat, beaten
from schemas.message import Emit, Message, Position
from schemas.text import instant, to_text
from services.hub import store
from services.runtime.clock import Clock
from services.runtime.directory import Directory
from services.runtime.errors import Unavailable
from services.runtime.keys import KeyRings
from services.runtime.log import Log
from services.runtime.postgres import Database
from services.runtime.signing import signing_key

PART = 1000
"""Records a tick at most."""
NOWHERE = Position("", -1, -1)


@dataclass
class Publisher:
    """Publishes what is due; records first, then the beat that adds them up."""

    database: Database
    keys: KeyRings
    log: Log
    clock: Clock
    directory: Directory
    awaited: dict[str, str] = field(default_factory=dict)
    """Signing keys that wait for their record, and since when: the first does for a second, being just published."""
    beaten: str = ""
    """Time of the last beat; once it has come back, all that the log had before it has been read."""

    async def due(self) -> list[Emit]:
        """Publishes records that the log has lost, and those that are not yet acknowledged; returns the beat."""
        if not self.beaten:
            await self._remember()
        await self._put_right()
        while await self._publish_part() == PART:
            pass
        return [await self._beat()]

    async def _remember(self) -> None:
        """The table holds what was ever published, also where somebody has put an older record into its place since."""
        async with self.database.transaction({HUB}) as connection:
            publications = await store.published(connection)
        for publication in publications:
            self.directory.remember(_record(publication))

    async def _publish_part(self) -> int:
        """A crash in between publishes the same records again, which changes nothing for their readers.

        A record that the table does not take is not published: it would only push the right one out of the log."""
        async with self.database.transaction({HUB}) as connection:
            publications = await store.unpublished(connection, PART)
        taken = [_record(one) for one in publications if self.directory.remember(_record(one))]
        if len(taken) < len(publications):
            structlog.get_logger().warning("directory records not published", count=len(publications) - len(taken))
        await self.log.publish([(topics.directory, record) for record in taken])
        if publications:
            async with self.database.transaction({HUB}) as connection:
                await store.mark_published(connection, [publication.edition for publication in publications])
        return len(publications)

    async def _put_right(self) -> None:
        """Publishes again the records in whose place the log has others, or none."""
        missing = self.directory.standing.missing()
        if not missing or self.directory.beat is None or instant(self.directory.beat) < self.beaten:
            return
        async with self.database.transaction({HUB}) as connection:
            found = await store.published_at(connection, missing, PART)
        again = [_record(one) for one in found if self.directory.standing.holds(one.place, one.record)]
        structlog.get_logger().warning("directory records published again", count=len(again))
        await self.log.publish([(topics.directory, record) for record in again])

    async def _beat(self) -> Emit:
        async with self.database.transaction({HUB}) as connection:
            edition = await store.last_edition(connection)
        now, table = instant(self.clock()), self.directory.standing.digest()
        key = signing_key(self.keys.of(HUB), "sign", now, self.directory, self.awaited)
        if key is None:  # a beat under it would not count, and without beats every service closes
            raise Unavailable(f"the hub has no valid signing key: see `renkei keys renew {HUB} --sign`")
        signer = key.signer()
        signature = to_text(signer.sign(beaten(edition, now, table)))
        beat = Beat(edition=edition, time=now, table=table, key=signer.kid, signature=signature)
        self.beaten = now
        return Emit(topics.directory, Message(key="beat", value=beat.encoded(), headers={}), NOWHERE)


def _record(publication: store.Publication) -> Message:
    headers = {"signature": publication.signature, "edition": str(publication.edition).encode()}
    return Message(key=publication.place, value=publication.record, headers=headers)
