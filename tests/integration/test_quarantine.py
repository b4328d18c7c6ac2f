"""What a step of the real installation cannot do is set aside, and is the operator's from then on."""

import pytest

from schemas import quarantine, topics
from schemas.message import Message
from schemas.quarantine import Aside
from services.operator import asking
from services.operator.demo import ASKER, NEIGHBOUR
from services.operator.local.error import InstallationError
from services.operator.quarantine import let_go, read
from services.operator.tables import at_rest
from services.runtime.kafka.scan import scan
from tests import site as sites
from tests.site import RESIDENTS, Site

NONSENSE = Message(ASKER, b"x", {"control": b"{}"})


async def test_nonsense_inside_a_block_stops_nothing(site: Site) -> None:
    """It is held with its reason, sealed; the inquiries around it are answered, and the lag returns to zero."""
    before = {str(one.said.position) for one in await read(site)}
    await sites.publish(site, [(topics.outbound_composed, NONSENSE), (topics.inbound_asked, NONSENSE)])
    for resident in RESIDENTS[:2]:
        assert sites.answers(await sites.ask(site, sites.inquiry(resident)), resident)
    await sites.publish(site, [(topics.inbound_asked, Message(NEIGHBOUR, b"x", {}))])
    assert sites.answers(await sites.ask(site, sites.inquiry(RESIDENTS[0])), RESIDENTS[0])
    await sites.settled(site)
    new = [one for one in await read(site) if str(one.said.position) not in before]
    assert {(one.said.service, one.said.topic) for one in new} == {
        ("id_conversion", "outbound.composed"),
        ("routing", "inbound.asked"),
    }
    assert _original(site, new[0]).headers == NONSENSE.headers


async def test_the_asker_of_what_was_set_aside_is_told(site: Site) -> None:
    """`internal_error` ends its exchange; a retry may help, under a new id."""
    posted = sites.inquiry(RESIDENTS[0])
    control = await sites.open_alone(site, posted)
    sealed = at_rest(site).seal(ASKER, control.encoded(), {"value": posted.business})
    headers = {"control": control.encoded(), "sealed": sealed["sealed"], "subject": b"not sealed at all"}
    await sites.publish(site, [(topics.outbound_composed, Message(ASKER, sealed["value"], headers))])
    assert sites.answers(await sites.ask(site, sites.inquiry(RESIDENTS[1])), RESIDENTS[1])
    answer = await asking.wait(site, ASKER, control.id, 30)
    assert (answer.state, answer.outcome, answer.business["retry"]) == ("refused", "internal_error", "new_id")


async def test_the_operator_releases_and_drops(site: Site) -> None:
    """What is released is done again, and comes back if nothing was mended, from where it was first read; what is dropped
    stays on record without its content."""
    await sites.publish(site, [(topics.inbound_answered, NONSENSE)])
    first = await _held(site, topics.inbound_answered.name)
    place = str(first.said.position)
    assert [str(position) for position in await let_go(site, [place], "released")] == [place]
    again = await _held(site, topics.inbound_answered.name)
    assert again.said.position != first.said.position
    assert again.said.source == first.said.source
    await let_go(site, [str(again.said.position)], "dropped")
    assert all(one.said.topic != topics.inbound_answered.name for one in await read(site))
    ended = [quarantine.read(one) for one in await scan(site.kafka(), topics.record_quarantined)]
    assert {one.said.state for one in ended if not one.sealed} == {"released", "dropped"}


async def test_what_is_not_held_is_named(site: Site) -> None:
    """And nothing else of the same command is touched."""
    with pytest.raises(InstallationError, match=r"not held: inbound.asked/0/999"):
        await let_go(site, ["inbound.asked/0/999"], "dropped")


async def test_a_missing_permission_stops_a_service_and_sets_nothing_aside(site: Site) -> None:
    """That is the operator's to mend: the process says so and ends; mended and started, it does everything."""
    await sites.settled(site)  # else what is held may be read again, and held once more
    before = len(await read(site))
    sites.execute(site, "REVOKE INSERT ON routing.decisions FROM renkei_routing")
    name = next(name for name in sites.running(site) if name in ("routing", "intermediate"))
    posted = sites.inquiry(RESIDENTS[2])
    try:
        assert (await asking.post_http(site, posted)).status_code == 202
        await sites.until_ended(site, name)
        assert "InsufficientPrivilegeError" in (site.folder / "log" / f"{name}.log").read_text().splitlines()[-1]
    finally:
        sites.execute(site, "GRANT INSERT ON routing.decisions TO renkei_routing")
    site.wait_ready([site.start(name)])
    assert sites.answers(await asking.wait(site, ASKER, posted.question.id, 30), RESIDENTS[2])
    assert len(await read(site)) == before


async def _held(site: Site, topic: str) -> Aside:
    """What is held of a topic, once company has come by and shown that it is not the code."""
    while True:
        await sites.ask(site, sites.inquiry(RESIDENTS[0]))
        if found := [one for one in await read(site) if one.said.topic == topic]:
            return found[0]


def _original(site: Site, aside: Aside) -> Message:
    key = quarantine.OperatorKey.model_validate_json(site.quarantine_key.read_bytes())
    return quarantine.original_of(aside, key)
