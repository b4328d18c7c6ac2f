"""No way back in time: an older record of the directory does not stay in the log in the place of the newer one."""

import asyncio
import json
from typing import Final

from schemas import topics
from schemas.directory import Grant
from schemas.message import Message
from services.operator import publication
from services.operator.demo import ASKER, ITEM, OFFICE, OFFICER
from services.runtime.kafka.scan import scan
from tests import site as sites
from tests.site import Site
from tests.waiting import until

PLACE: Final = f"policy/{ASKER}"
CLERK: Final = Grant(office=OFFICE, role=OFFICER.role, rows=["57"])
AUTOMATIC: Final = Grant(office="税務課", role="automatic", rows="all")
PLENTY: Final = 100_000
"""A quota that nobody reaches here."""


async def standing(site: Site) -> list[Message]:
    """Every record of the place, in the order of the log."""
    return [record for record in await scan(site.kafka(), topics.directory) if record.key == PLACE]


def version(record: Message) -> int:
    return int(json.loads(record.value)["version"])


async def test_the_hub_puts_back_what_an_older_record_has_displaced(site: Site) -> None:
    """Somebody who may write there replays version 1: compaction would leave it alone, so the hub publishes the newest
    again; no process works by the older one meanwhile, and the hub's beats go on counting."""
    old = (await standing(site))[0]
    known = version((await standing(site))[-1])
    await asyncio.to_thread(publication.describe, site, [ASKER], [ITEM], [CLERK], AUTOMATIC, PLENTY)
    await publication.publish(site)
    await publication.published(site)
    newest = (await standing(site))[-1]
    assert version(newest) == known + 1
    await sites.publish(site, [(topics.directory, Message(old.key, old.value, old.headers))])

    async def restored() -> bool:
        return (await standing(site))[-1].value == newest.value

    await until(restored)
    assert [record.value for record in await standing(site)][-2:] == [old.value, newest.value]
    answer = await sites.ask(site, sites.inquiry(sites.RESIDENTS[0]))
    assert answer.state == "answered"
