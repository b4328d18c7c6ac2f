"""Each service is killed in the middle of a thousand inquiries and started again: a thousand answers, no effect twice."""

import asyncio
import re
from typing import Final

import httpx

from schemas import topics
from schemas.request import Posted
from services.operator import asking
from services.operator.installation import process_names
from services.operator.local import process
from services.runtime.kafka.scan import scan
from tests import many
from tests import site as sites
from tests.many import Many
from tests.site import Site
from tests.waiting import until

INQUIRIES: Final = 1000
READ: Final = re.compile(r"^renkei_messages_read_total\{.*\} (\S+)$", re.MULTILINE)


async def test_a_thousand_inquiries_survive_kills(site: Site) -> None:
    """`kill -9` of each process while it works, in turn; every exchange ends once, rightly, and its repeats are equal."""
    await asyncio.to_thread(sites.switch, site, "service")
    replayed = await _replayed(site)
    asked, names = await many.prepare(site, INQUIRIES), process_names("service")
    bounds = [INQUIRIES * place // len(names) for place in range(len(names) + 1)]
    for name, start, end in zip(names, bounds, bounds[1:], strict=False):
        await _kill_at_work(asked, name, start, end)
    await asked.finish(60)
    await asked.check()
    assert await _replayed(site) == replayed, "what comes again after a kill is a redelivery or a copy, never a replay"


async def test_a_switch_to_blocks_loses_nothing(site: Site) -> None:
    """And back from one process per service to one per block, under way."""
    await asyncio.to_thread(sites.switch, site, "service")
    await many.survive_switch(site, "block", 200)


async def _replayed(site: Site) -> int:
    """Alarms of replays so far."""
    return sum(b'"outcome":"replayed"' in r.headers["trail"] for r in await scan(site.kafka(), topics.linkage_recorded))


async def _kill_at_work(asked: Many, name: str, start: int, end: int) -> None:
    """Posts a portion, kills the process while it works on it, starts it again, and waits until it works again."""
    site, before = asked.site, _work(asked, name)
    posting = asyncio.create_task(_over_http(asked, start, end) if name == "gateway" else asked.publish(start, end))
    await until(lambda: _work(asked, name) > before + (end - start) // 4)
    process.kill(name, site.folder)
    started = site.start(name)
    assert asked.ended() < end, "all is over before the kill"
    await asyncio.to_thread(site.wait_ready, [started])
    await posting


async def _over_http(asked: Many, start: int, end: int) -> None:
    """As business systems do that try again until the gateway has taken over what they post."""
    for posted, _ in asked.posted[start:end]:
        await until(lambda posted=posted: _accepted(asked.site, posted))  # type: ignore[misc]


async def _accepted(site: Site, posted: Posted) -> bool:
    try:
        return (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED
    except httpx.HTTPError:
        return False


def _work(asked: Many, name: str) -> float:
    """How many messages a process has read; of the gateway, which reads none, how much of what it took has been accepted."""
    if name == "gateway":
        return asked.accepted()
    text = httpx.get(f"{asked.site.url(name)}/metrics", timeout=5, trust_env=False).text
    return sum(map(float, READ.findall(text)))
