"""The hub publishes the directory: what agencies signed and handed in, in the order of editions, and its own beat."""

from dataclasses import dataclass, field

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

    async def due(self) -> list[Emit]:
        """Publishes records that are not yet acknowledged, marks them, and returns the beat."""
        while await self._publish_part() == PART:
            pass
        return [await self._beat()]

    async def _publish_part(self) -> int:
        """A crash in between publishes the same records again, which changes nothing for their readers."""
        async with self.database.transaction({HUB}) as connection:
            publications = await store.unpublished(connection, PART)
        await self.log.publish([(topics.directory, _record(publication)) for publication in publications])
        if publications:
            async with self.database.transaction({HUB}) as connection:
                await store.mark_published(connection, [publication.edition for publication in publications])
        return len(publications)

    async def _beat(self) -> Emit:
        async with self.database.transaction({HUB}) as connection:
            edition = await store.last_edition(connection)
        now = instant(self.clock())
        key = signing_key(self.keys.of(HUB), "sign", now, self.directory, self.awaited)
        if key is None:  # a beat under it would not count, and without beats every service closes
            raise Unavailable(f"the hub has no valid signing key: see `renkei keys renew {HUB} --sign`")
        signer = key.signer()
        signature = to_text(signer.sign(beaten(edition, now)))
        beat = Beat(edition=edition, time=now, key=signer.kid, signature=signature)
        return Emit(topics.directory, Message(key="beat", value=beat.encoded(), headers={}), NOWHERE)


def _record(publication: store.Publication) -> Message:
    headers = {"signature": publication.signature, "edition": str(publication.edition).encode()}
    return Message(key=publication.place, value=publication.record, headers=headers)
