"""What stands on the network's topics a second time, put there by hand: recorded, and without any effect."""

import pytest

from schemas import topics
from schemas.control import Control
from schemas.message import Message
from schemas.topics import Topic
from schemas.trail import Trail
from services.operator import asking
from services.operator.demo import ASKER, UNLAWFUL
from services.operator.demo.witnessing import records as about
from services.runtime.kafka.scan import scan
from tests import site as sites
from tests.site import RESIDENTS, Site, inquiry


async def found(site: Site, topic: Topic, exchange: str) -> list[tuple[str, str, str]]:
    """Sender, kind, and what was found last, of every record of an exchange in a log; by kind."""
    told = []
    for one in await about(site, topic, exchange):
        control: Control = one.control
        last = Trail.model_validate_json(one.headers["trail"]).findings[-1]
        told.append((control.sender, control.kind, last.outcome))
    return sorted(told, key=lambda one: one[1])


@pytest.mark.check("receiver: (sender, id): replay")
@pytest.mark.code("replayed")
async def test_a_record_that_is_put_there_again_is_replayed(site: Site) -> None:
    """Question and answer of an exchange that is over: a security event each, nothing opened, nobody answered."""
    posted, resident = inquiry(RESIDENTS[0]), RESIDENTS[0]
    answer = await sites.ask(site, posted)
    assert sites.answers(answer, resident)
    await sites.settled(site)
    exchange = posted.question.id
    before = {topic: await about(site, topic, exchange) for topic in (topics.inbound_opened, topics.network_submitted)}
    delivered = await about(site, topics.network_delivered, exchange)
    assert len(delivered) == 2
    again = [Message(one.key, one.value, one.headers) for one in delivered]
    await sites.publish(site, [(topics.network_delivered, one) for one in again])
    await sites.settled(site)
    events = [one for one in await found(site, topics.linkage_recorded, exchange) if one[2] == "replayed"]
    assert events == [(ASKER, "inquiry", "replayed"), (resident.provider, "response", "replayed")]
    for topic, records in before.items():
        assert len(await about(site, topic, exchange)) == len(records), topic
    assert await asking.wait(site, ASKER, exchange, 0) == answer


@pytest.mark.check("hub: (sender, id)")
async def test_a_submission_that_is_put_there_again_is_a_copy(site: Site) -> None:
    """`network` may do that by itself after a lost acknowledgement: nothing is delivered, and it is no alarm."""
    posted = inquiry(RESIDENTS[0])
    await sites.ask(site, posted)
    await sites.settled(site)
    exchange = posted.question.id
    submitted = await about(site, topics.network_submitted, exchange)
    outcomes = (topics.network_delivered, topics.hub_recorded)
    before = [len(await about(site, topic, exchange)) for topic in outcomes]
    records = [(topics.network_submitted, Message(one.key, one.value, one.headers)) for one in submitted]
    await sites.publish(site, records)
    await sites.settled(site)
    assert [len(await about(site, topic, exchange)) for topic in outcomes] == before == [2, 2]


async def test_the_hub_records_what_it_permits_and_refuses(site: Site) -> None:
    """Control part and finding, nothing else: no content, no person, nothing that a sender has added."""
    posted = inquiry(RESIDENTS[0])
    answer = await sites.ask(site, posted)
    refused = await sites.ask_past_own_side(site, RESIDENTS[0], UNLAWFUL)
    await sites.settled(site)
    assert await found(site, topics.hub_recorded, answer.exchange) == [
        (ASKER, "inquiry", "allowed"),
        (RESIDENTS[0].provider, "response", "allowed"),
    ]
    assert await found(site, topics.hub_recorded, refused.exchange) == [(ASKER, "inquiry", "not_in_law_table")]
    for one in await scan(site.kafka(), topics.hub_recorded):
        assert set(one.headers) <= {"control", "trail", "traceparent"}
        assert one.value == b""
