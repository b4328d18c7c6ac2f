"""Keys change while inquiries run: a rotation loses none, and after a revocation nothing under that key is accepted."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx
import pytest

from schemas import canonical, topics, trail
from schemas.control import Question
from schemas.directory import HUB, LIMIT, Beat, place
from schemas.message import Message
from schemas.request import Posted, read_request
from schemas.text import decoded
from schemas.topics import Topic
from schemas.wire.envelope import Envelope
from services.operator import answers, publication, residents
from services.operator.demo import ALLOWANCE, ASKER, ELSEWHERE, ITEM, NEIGHBOUR, OFFICER, YEAR
from services.operator.identifiers import uuid7
from services.operator.keys import removal, renewal, revocation
from services.operator.keys.enrolment import RootKey, create_keys, enrolled, make_key
from services.operator.tables import now
from services.runtime.kafka.scan import scan
from services.runtime.keys import PrivateKey
from tests import many
from tests import site as sites
from tests.many import Many
from tests.site import CODES, NUMBER, RESIDENTS, Site, clear, inquiry
from tests.unit.test_runtime_directory import published
from tests.waiting import until

AT_ONCE: Final = timedelta(0)
HEALTHY: Final = [resident for resident in RESIDENTS if resident.provider == ELSEWHERE]
KNOWN: Final = [(f"{NUMBER}{6000 + place}", f"{NUMBER}{7000 + place}") for place in range(10)]
"""Internal numbers, at NEIGHBOUR and ELSEWHERE, of people about whom NEIGHBOUR asks; ELSEWHERE has no copy."""
UNDER_WAY: Final = 30
"""Inquiries of the healthy agency that are posted beyond those that have ended."""
DROPPED: Final = r'^renkei_messages_dropped_total\{reason="key_revoked",service="hub"\} (\S+)$'
IGNORED: Final = r'^renkei_directory_ignored_total\{reason="bad_signature"\} (\S+)$'


# --- Rotation


async def test_a_rotation_loses_no_inquiry(site: Site) -> None:
    """Everybody's signing keys change at once, the hub's too, while inquiries run: one right answer each, under old and new."""
    asked = await many.prepare(site, 400)
    await asked.publish(0, 100)
    made = [key for code in (HUB, *CODES) for key in _renewed(site, code) if key.purpose in ("sign", "permit")]
    assert [key.purpose for key in made] == ["sign", "permit", "sign", "sign", "sign"]
    beating, new = made[0].kid, {key.kid for key in made[1:]}
    posted = await _post_until(asked, 100, lambda: _ended(asked, 200))  # rings have them, the directory has not
    assert not new & await _used(site, asked)
    await publication.publish(site)
    posted = await _post_until(asked, posted, lambda: _signed_under(site, asked, new))
    await asked.publish(posted, len(asked.posted))
    await asked.finish(60)
    await asked.check()
    assert await _used(site, asked) > new
    beats = [record for record in await scan(site.kafka(), topics.directory) if record.key == "beat"]
    assert decoded(Beat, beats[-1].value, LIMIT).key == beating


# --- Revocation


@dataclass
class Load:
    """Two agencies ask, one inquiry each in turn, as fast as the first of them is answered."""

    site: Site
    healthy: list[str] = field(default_factory=list)
    stricken: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        while not self.enough.is_set():
            await until(lambda: len(self.healthy) - _count(self.site, self.healthy, "state <> 'open'") < UNDER_WAY, 60)
            one = inquiry(HEALTHY[len(self.healthy) % len(HEALTHY)])
            other = _asked_by_neighbour(len(self.stricken))
            records = [(topics.outbound_requested, sites.record(self.site, posted)) for posted in (one, other)]
            await sites.publish(self.site, records)
            self.healthy.append(one.question.id)
            self.stricken.append(other.question.id)

    async def goes_on(self, count: int) -> None:
        """So many more of each."""
        wanted = len(self.stricken) + count
        await until(lambda: len(self.stricken) >= wanted, 60)


@pytest.fixture
async def stricken(site: Site) -> AsyncIterator[Site]:
    """NEIGHBOUR can ask, and has a key to sign with afterwards, however the test ends."""
    await residents.load_staff(site, NEIGHBOUR, [OFFICER])
    await residents.enroll(site, [{NEIGHBOUR: here, ELSEWHERE: there} for here, there in KNOWN])
    yield site
    _renewed(site, NEIGHBOUR)
    await publication.publish(site)
    await publication.published(site)


async def test_a_revocation_holds_under_load(stricken: Site) -> None:
    """One agency's key is revoked while two ask: none of its messages is accepted from that edition on, none of the other's
    is refused, whatever was posted ends, and with a new key it works again; nothing is restarted."""
    site, load = stricken, Load(stricken)
    revoked = {one.kid for one in revocation.by_purpose(site, NEIGHBOUR, "sign", now())}
    dropped = _metric(site, "hub", DROPPED)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load.run())
        await load.goes_on(30)
        edition = await _revoke(site)
        await until(lambda: _count(site, load.stricken, "state = 'refused'"), 60)
        await load.goes_on(20)
        await _replay(site, revoked)
        [new] = [key.kid for key in _renewed(site, NEIGHBOUR) if key.purpose == "sign"]
        await publication.publish(site)
        seen = len(load.stricken)
        await until(lambda: _count(site, load.stricken[seen:], "state = 'answered'"), 60)
        load.enough.set()
    await sites.settled(site, 60)

    delivered = await scan(site.kafka(), topics.network_delivered)
    under = {kid: [one for one in delivered if kid in _signers(one)] for kid in (*revoked, new)}
    accepted = [Envelope.of(record).permits for kid in revoked for record in under[kid]]
    assert accepted
    assert all(permit.decision.directory < edition for permit in accepted)
    assert under[new]

    assert _count(site, load.healthy, "state = 'answered'") == len(load.healthy)
    ended = await _outcomes(site, load.stricken)
    assert set(ended.values()) == {"no_data", "key_revoked"}
    recorded = await _recorded(site, set(load.stricken) - ended.keys())
    lost = set(load.stricken) - ended.keys() - recorded
    assert _metric(site, "hub", DROPPED) - dropped == len(lost) + 1  # one was put there again


async def test_what_is_replayed_under_a_revoked_key_is_recorded(stricken: Site) -> None:
    """A message that was accepted before its key was revoked is a security event when it comes again, permit or not."""
    site = stricken
    posted = _asked_by_neighbour(0)
    await sites.publish(site, [(topics.outbound_requested, sites.record(site, posted))])
    await sites.completed(site, {posted.question.id})
    dropped, before = _metric(site, "hub", DROPPED), len(await _revocations(site, posted.question.id))
    await _revoke(site)
    for topic in (topics.network_submitted, topics.network_delivered):
        [record] = [one for one in await _of(site, topic, [posted.question.id]) if one.control.kind == "inquiry"]
        await sites.publish(site, [(topic, Message(record.key, record.value, record.headers))])
    await sites.settled(site)
    assert _metric(site, "hub", DROPPED) == dropped + 1
    assert len(await _revocations(site, posted.question.id)) == before + 1


# --- What the directory ignores


async def test_a_forged_record_is_counted_everywhere_and_recorded_once(site: Site) -> None:
    """A key that another root has signed for an agency: no service takes it, each counts it, the ledger is told once."""
    made = make_key(ASKER, "sign", "ed25519", now(), now() + timedelta(days=1))
    assert made.record is not None
    before = {name: _metric(site, name, IGNORED) for name in sites.running(site)}
    forger = RootKey(ASKER, "ed25519", bytes(32))
    await sites.publish(site, [(topics.directory, published(made.record, by=forger))])
    await until(lambda: {name: _metric(site, name, IGNORED) - 1 for name in before} == before)
    [position] = [one.position for one in await scan(site.kafka(), topics.directory) if one.key == place(made.record)]

    async def told() -> list[Message]:
        records = await scan(site.kafka(), topics.linkage_recorded)
        return [one for one in records if f"bad signature: {position}".encode() in one.headers.get("trail", b"")]

    await until(told)
    await sites.settled(site)
    [record] = await told()
    assert (record.key, record.value, set(record.headers)) == (ASKER, b"", {"trail"})
    [finding] = trail.read(record.headers["trail"]).findings
    assert (finding.layer, finding.outcome) == ("directory", "bad_signature")


# --- What the tests do and say


def _renewed(site: Site, code: str) -> list[PrivateKey]:
    """New signing keys, used as soon as they are published."""
    return renewal.renew(site, code, now(), renewal.rotated_by(code, True, False), AT_ONCE)


async def _revoke(site: Site) -> int:
    """NEIGHBOUR's signing keys are revoked and published; the edition from which on that holds."""
    revoked = [revocation.revoke(site, one, now()) for one in revocation.by_purpose(site, NEIGHBOUR, "sign", now())]
    await publication.publish(site)
    await publication.published(site)
    places = [place(record) for record in revoked]
    query = "SELECT max(edition) FROM hub.publications WHERE place = ANY (%s)"
    edition: int = sites.rows(site, query, places)[0][0]
    return edition


async def _replay(site: Site, kids: set[str]) -> None:
    """Hands in again what was submitted under one of these keys."""
    submitted = await scan(site.kafka(), topics.network_submitted)
    record = next(one for one in submitted if kids & set(_signers(one)))
    await sites.publish(site, [(topics.network_submitted, Message(record.key, record.value, record.headers))])


def _asked_by_neighbour(place: int) -> Posted:
    question = Question(id=uuid7(), sender=NEIGHBOUR, receiver=ELSEWHERE, basis=ALLOWANCE, item=ITEM, officer=OFFICER)
    number = KNOWN[place % len(KNOWN)][0]
    return read_request(question.encoded(), number.encode(), canonical.encode({"period": {"year": YEAR}}))


def _count(site: Site, ids: Sequence[str], condition: str) -> int:
    query = f"SELECT count(*) FROM exchange.exchanges WHERE id = ANY (%s::uuid[]) AND {condition}"
    return int(sites.rows(site, query, list(ids))[0][0])


async def _ended(asked: Many, count: int) -> bool:
    return asked.ended() >= count


async def _signed_under(site: Site, asked: Many, kids: set[str]) -> bool:
    """Whether each of these keys has signed something of what was asked."""
    return kids <= await _used(site, asked)


async def _used(site: Site, asked: Many) -> set[str]:
    delivered = await _of(site, topics.network_delivered, asked.ids)
    return {kid for record in delivered for kid in _signers(record)}


async def _post_until(asked: Many, start: int, condition: Callable[[], Awaitable[bool]]) -> int:
    """Posts on, ten at a time and as fast as they end, until the condition holds; how far it came."""
    posted = start

    async def met() -> bool:
        nonlocal posted
        end = min(len(asked.posted), posted + 10)
        await asked.publish(posted, end)
        posted = end
        await until(lambda: asked.ended() >= posted - 5)
        return await condition()

    await until(met, 60)
    return posted


async def _of(site: Site, topic: Topic, ids: Sequence[str]) -> list[Message]:
    """The records of these exchanges."""
    wanted = {exchange.encode() for exchange in ids}
    records = await scan(site.kafka(), topic)
    return [one for one in records if any(exchange in one.headers.get("control", b"") for exchange in wanted)]


def _signers(record: Message) -> list[str]:
    """The key ids under which a message is signed and permitted; of what is no message none."""
    found = re.findall(
        rb'"(?:sign|key)":"([\w-]{43})"', record.headers.get("seal", b"") + record.headers.get("permit", b"")
    )
    return [kid.decode() for kid in found]


async def _outcomes(site: Site, ids: Sequence[str]) -> dict[str, str]:
    """How those that ended did: the answer's outcome, or the refusal's code."""
    found = {}
    for record in await scan(site.kafka(), topics.exchange_completed):
        if (exchange := answers.exchange_of(record)) in ids:
            business = clear(site, record)
            found[exchange] = str(business.get("code", business["outcome"]))
    return found


async def _recorded(site: Site, ids: set[str]) -> set[str]:
    """Those of which a message ended as a security event, the key being revoked."""
    records = await _of(site, topics.linkage_recorded, sorted(ids))
    return {one.control.exchange for one in records if _last(one) == ("crypto", "key_revoked")}


async def _revocations(site: Site, exchange: str) -> list[Message]:
    records = await _of(site, topics.linkage_recorded, [exchange])
    return [one for one in records if _last(one) == ("crypto", "key_revoked")]


def _last(record: Message) -> tuple[str, str]:
    finding = trail.read(record.headers["trail"]).findings[-1]
    return finding.layer, finding.outcome


def _metric(site: Site, name: str, pattern: str) -> float:
    text = httpx.get(f"{site.url(name)}/metrics", timeout=5, trust_env=False).text
    return sum(map(float, re.findall(pattern, text, re.MULTILINE)))


# --- Removal


async def test_only_what_was_never_published_is_removed(site: Site) -> None:
    """A published agency keeps its keys; one that was enrolled by mistake goes."""
    mistaken = "131016"
    create_keys(site, [mistaken], "1", now())
    await removal.remove(site, mistaken)
    assert mistaken not in enrolled(site)
    with pytest.raises(ValueError, match=f"agency {ASKER} is published, and stays"):
        await removal.remove(site, ASKER)
    assert ASKER in enrolled(site)
