"""A signing key is revoked: from that edition of the directory on nobody takes what is signed under it."""

import asyncio

from schemas import topics
from services.operator import publication
from services.operator.demo import ELSEWHERE, MOVED, NEIGHBOUR, bypassing
from services.operator.demo.inquiring import ask, inquiry
from services.operator.demo.witnessing import record_of, security_event
from services.operator.installation import Installation
from services.operator.keys import revocation
from services.operator.tables import now


async def signing_key(installation: Installation) -> str:
    """Its own side refuses what would be signed; the hub refuses what was signed before and is submitted again."""
    before = await ask(installation, inquiry(ELSEWHERE, MOVED, sender=NEIGHBOUR))
    signed = await record_of(installation, topics.network_submitted, before.exchange, NEIGHBOUR)
    await asyncio.to_thread(_revoke, installation)
    await publication.publish(installation)
    await publication.published(installation)
    await publication.in_force(installation)
    after = await ask(installation, inquiry(ELSEWHERE, MOVED, sender=NEIGHBOUR))
    await bypassing.publish(installation, [(topics.network_submitted, signed)])
    event = await security_event(installation, "hub", before.exchange)
    return f"{before.outcome}, then {after.outcome} to the asker, {event} at the hub"


def _revoke(installation: Installation) -> None:
    for record in revocation.by_purpose(installation, NEIGHBOUR, "sign", now()):
        revocation.revoke(installation, record, now())
