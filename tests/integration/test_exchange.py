"""One inquiry asked and answered, and every way in which it is not, on real brokers and a real database, in both layouts."""

import json
import time
from typing import Any

import httpx
import pytest

from schemas import topics
from schemas.control import Officer
from schemas.directory import HUB
from schemas.jwe import Unopened
from schemas.message import Message
from schemas.request import Posted, assert_read, assert_request
from schemas.topics import Topic
from schemas.trail import Trail
from services.operator import answers, asking, residents
from services.operator.demo import ASKER, ELSEWHERE, NEIGHBOUR, UNLAWFUL
from services.operator.installation import Layout
from services.operator.keys.enrolment import assertion_key
from services.runtime.kafka.scan import scan
from tests import malformed, many
from tests import site as sites
from tests.site import FLAGGED, NEWCOMER, RESIDENTS, SPOUSE, STRANGER, Resident, Site, ask, clear, inquiry
from tests.waiting import until

APPLICANT, OTHER = RESIDENTS[:2]
NO_DATA = b'{"outcome":"no_data"}'
HOUR = 3600


@pytest.fixture(scope="module", params=["block", "service"])
def layout(site: Site, request: pytest.FixtureRequest) -> Layout:
    """The same tests in one process per block, then in one per service."""
    sites.switch(site, request.param)
    chosen: Layout = request.param
    return chosen


pytestmark = pytest.mark.usefixtures("layout")


# --- answers


@pytest.mark.parametrize("resident", [APPLICANT, OTHER], ids=["shares the cloud", "another prefecture"])
async def test_what_is_known_is_answered(site: Site, resident: Resident) -> None:
    """The answer holds the provider's copy of this very person, and names the inquiry that it answers."""
    posted = inquiry(resident)
    answer = await ask(site, posted)
    assert sites.answers(answer, resident)
    [record] = await sites.completed(site, {posted.question.id})
    control = sites.ended_by(site, record)
    assert (control.kind, control.sender, control.receiver) == ("response", resident.provider, ASKER)
    assert (control.basis, control.item, control.officer) == (posted.question.basis, posted.question.item, "auto")
    assert control.in_reply_to is not None
    assert control.in_reply_to.id == control.exchange == posted.question.id


@pytest.mark.parametrize("resident", [SPOUSE, NEWCOMER], ids=["without a copy", "unknown there"])
async def test_what_is_not_known_is_no_data(site: Site, resident: Resident) -> None:
    """Without a copy, and without a row for the link code: the asker cannot tell which."""
    assert (await ask(site, inquiry(resident))).business == {"outcome": "no_data"}


async def test_another_year_is_no_data(site: Site) -> None:
    """Only the year that was asked for is answered."""
    assert (await ask(site, inquiry(APPLICANT, year=2025))).business == {"outcome": "no_data"}


async def test_over_http_and_over_kafka_is_the_same(site: Site) -> None:
    """Both ways in lead to the same answer."""
    over_http, over_kafka = await ask(site, inquiry(OTHER)), await ask(site, inquiry(OTHER), kafka=True)
    assert over_http.business == over_kafka.business
    assert sites.answers(over_kafka, OTHER)


@pytest.mark.parametrize("over_kafka", [False, True], ids=["HTTP", "Kafka"])
async def test_posting_twice_is_asking_once(site: Site, over_kafka: bool) -> None:
    """Of the same request a second time nothing leaves: one question on the network, one answer."""
    posted = inquiry(APPLICANT)
    answers = [await ask(site, posted, kafka=over_kafka) for _ in range(2)]
    assert answers[0] == answers[1]
    await sites.settled(site)
    asked = [record for record in await scan(site.kafka(), topics.network_submitted) if _about(record, posted)]
    assert sorted(record.control.kind for record in asked) == ["inquiry", "response"]
    assert len(await sites.completed(site, {posted.question.id})) == 1


async def test_a_flagged_person_waits_for_a_decision(site: Site) -> None:
    """自動応答不可: the answering side holds it; the asker is told no more than that it waits."""
    posted = inquiry(FLAGGED)
    assert (await asking.post_http(site, posted)).status_code == httpx.codes.ACCEPTED

    async def state() -> bool:
        case = await residents.case_state(site, FLAGGED.provider, ASKER, posted.question.id)
        return case == "waiting_manual"

    await until(state)
    assert (await asking.wait(site, ASKER, posted.question.id, 0)).state == "waiting"


async def test_what_completes_opens_for_its_system_alone(site: Site) -> None:
    """`exchange.completed` holds CloudEvents in binary mode, sealed to the posting system that asked; beside the sealed
    part stands nothing of who asked whom for what."""
    posted = inquiry(APPLICANT)
    await ask(site, posted)
    [record] = await sites.completed(site, {posted.question.id})
    said = {name: data.decode() for name, data in record.headers.items() if name.startswith("ce_")}
    assert said == {
        "ce_specversion": "1.0",
        "ce_type": "renkei.exchange.answered",
        "ce_source": f"/agencies/{ASKER}",
        "ce_id": f"{posted.question.id}/0",
        "ce_datacontenttype": "application/jose",
    }
    assert record.headers.keys() == {*said, "content-type"}
    assert record.headers["content-type"] == b"application/jose"
    assert record.key == ASKER
    assert clear(site, record)["records"] == [sites.copy_of(APPLICANT)]
    for other in (NEIGHBOUR, ELSEWHERE):
        with pytest.raises(Unopened):
            answers.opened(site, Message(other, record.value, record.headers))


# --- refusals


async def test_the_own_side_refuses_what_the_law_does_not_allow(site: Site) -> None:
    """Nothing of it reaches the network."""
    posted = inquiry(APPLICANT, UNLAWFUL)
    answer = await ask(site, posted)
    assert (answer.state, answer.outcome) == ("refused", "not_in_law_table")
    await sites.settled(site)
    assert not [record for record in await scan(site.kafka(), topics.network_submitted) if _about(record, posted)]


@pytest.mark.code("unknown_person")
async def test_the_own_side_refuses_a_person_without_link_code(site: Site) -> None:
    """`unknown_person` arises at the asker's own id conversion."""
    assert (await ask(site, inquiry(STRANGER))).outcome == "unknown_person"


@pytest.mark.code("officer_unknown")
@pytest.mark.parametrize(
    "officer",
    [
        Officer(office="子育て支援課", role="allowance_clerk", staff="nobody"),
        Officer(office="子育て支援課", role="tax_clerk", staff="hamamatsu-0107"),
    ],
    ids=["unknown", "in another role"],
)
async def test_the_own_side_refuses_an_unknown_officer(site: Site, officer: Officer) -> None:
    """Id, office and role must be on the agency's list of staff."""
    assert (await ask(site, inquiry(APPLICANT, officer=officer))).outcome == "officer_unknown"


@pytest.mark.code("id_reused")
async def test_an_id_is_not_used_for_other_content(site: Site) -> None:
    """The second is refused as `id_reused`, and told apart; what came of the first stays as it is."""
    first = inquiry(APPLICANT)
    answer = await ask(site, first)
    second = inquiry(OTHER, exchange=first.question.id)
    await sites.publish(site, [(topics.outbound_requested, sites.record(site, second))])

    async def refused() -> list[Message]:
        return [r for r in await sites.completed(site, {first.question.id}) if _kind(site, r) == "inquiry"]

    [refusal] = await until(refused)
    assert clear(site, refusal)["code"] == "id_reused"
    [answered] = [r for r in await sites.completed(site, {first.question.id}) if _kind(site, r) == "response"]
    assert clear(site, answered)["records"] == [sites.copy_of(APPLICANT)]
    assert answered.headers["ce_id"] != refusal.headers["ce_id"], "consumers deduplicate by it"
    assert await asking.wait(site, ASKER, first.question.id, 0) == answer


async def test_the_hub_refuses_what_the_own_side_let_through(site: Site) -> None:
    """Put past the own side's check, an unlawful question ends in the hub's signed refusal."""
    answer = await sites.ask_past_own_side(site, APPLICANT, UNLAWFUL)
    assert (answer.state, answer.outcome) == ("refused", "not_in_law_table")
    [record] = await sites.completed(site, {answer.exchange})
    control = sites.ended_by(site, record)
    assert (control.kind, control.sender) == ("refusal", HUB)
    assert control.in_reply_to is not None
    assert control.in_reply_to.decision is None


@pytest.mark.parametrize(
    ("lie", "link_code_of", "business"),
    [
        ({"exchange": None}, FLAGGED, NO_DATA),
        ({"kind": "notification"}, FLAGGED, NO_DATA),
        ({}, FLAGGED, b"no JSON"),
        ({}, FLAGGED, b'{"outcome":"records","records":[{"year":1}]}'),
        ({"kind": "refusal"}, None, NO_DATA),
    ],
    ids=["another exchange", "no answer", "unreadable", "not of the item", "no refusal"],
)
async def test_a_dishonest_answer_completes_nothing(
    site: Site, lie: dict[str, Any], link_code_of: Resident | None, business: bytes
) -> None:
    """However well it is signed: both exchanges stay open. It was the one answer that the hub permits, so that nothing
    which its sender says later completes them either."""
    asked, other = inquiry(FLAGGED), inquiry(FLAGGED)
    records = [(topics.outbound_requested, sites.record(site, posted)) for posted in (asked, other)]
    await sites.publish(site, records)
    await sites.settled(site)
    said = {name: value or other.question.id for name, value in lie.items()}
    await sites.answer_past_own_side(site, asked, link_code_of, business, **said)
    await sites.settled(site)
    for posted in (asked, other):
        assert (await asking.wait(site, ASKER, posted.question.id, 0)).state == "waiting"
    await sites.answer_past_own_side(site, asked, FLAGGED, NO_DATA)
    await sites.settled(site)
    assert (await asking.wait(site, ASKER, asked.question.id, 0)).state == "waiting"


async def test_an_answer_about_another_person_is_not_permitted(site: Site) -> None:
    """The hub knows whom the inquiry is about; the honest answer is the first that it permits."""
    asked = inquiry(FLAGGED)
    await sites.publish(site, [(topics.outbound_requested, sites.record(site, asked))])
    await sites.settled(site)
    await sites.answer_past_own_side(site, asked, SPOUSE, NO_DATA)
    await sites.settled(site)
    assert (await asking.wait(site, ASKER, asked.question.id, 0)).state == "waiting"
    await sites.answer_past_own_side(site, asked, FLAGGED, NO_DATA)
    assert (await asking.wait(site, ASKER, asked.question.id, 30)).outcome == "no_data"


# --- assertions


def expired(site: Site, posted: Posted) -> str:
    """Right, but too late."""
    key = assertion_key(site, ASKER)
    return assert_request(posted, key.kid, key.secret, int(time.time()) - 1)


def foreign(site: Site, posted: Posted) -> str:
    """In the asker's name, by another agency's system."""
    key = assertion_key(site, NEIGHBOUR)
    return assert_request(posted, key.kid, key.secret, int(time.time()) + HOUR)


def for_another(site: Site, _: Posted) -> str:
    """Right, but for another request."""
    return asking.asserted(site, inquiry(OTHER))


def missing(_site: Site, _posted: Posted) -> str:
    """None at all."""
    return ""


ASSERTIONS = [missing, expired, foreign, for_another]


@pytest.mark.parametrize("asserted", ASSERTIONS)
async def test_without_its_assertion_nothing_is_taken_over_http(site: Site, asserted: Any) -> None:
    """401, and nothing is published."""
    posted = inquiry(APPLICANT)
    body = {
        "control": json.loads(posted.control),
        "subject": posted.number.decode(),
        "business": json.loads(posted.business),
    }
    response = _call(site, "POST", "/v1/inquiries", asserted(site, posted), json=body)
    assert response.status_code == httpx.codes.UNAUTHORIZED
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["type"] == "urn:renkei:problem:bad_assertion"
    requested = await scan(site.kafka(), topics.outbound_requested)
    assert not [record for record in requested if record.headers.get("control") == posted.control]


@pytest.mark.parametrize("asserted", ASSERTIONS)
@pytest.mark.code("bad_assertion")
async def test_without_its_assertion_nothing_is_completed_over_kafka(site: Site, asserted: Any) -> None:
    """A security event is recorded, nobody is answered, nothing is stored; the id is not burnt for its owner."""
    posted = inquiry(APPLICANT)
    record = sites.record(site, posted)
    before = await _outcomes(site, topics.intermediate_recorded, "bad_assertion")
    forged = Message(record.key, record.value, {**record.headers, "assertion": asserted(site, posted).encode()})
    await sites.publish(site, [(topics.outbound_requested, forged)])

    await sites.settled(site)
    assert await _outcomes(site, topics.intermediate_recorded, "bad_assertion") == before + 1
    assert not await answers.events(site, posted.question.id)
    assert not sites.rows(site, "SELECT FROM exchange.decisions WHERE id = %s", posted.question.id)
    assert sites.answers(await ask(site, posted), APPLICANT)


async def test_an_exchange_is_shown_to_its_agency_alone(site: Site) -> None:
    """Another agency's own assertion finds nothing; one for another exchange, or none, is not accepted."""
    posted = inquiry(APPLICANT)
    await ask(site, posted)
    path = f"/v1/exchanges/{posted.question.id}/answer"
    assert _call(site, "GET", path, _reading(site, ASKER, posted.question.id)).status_code == httpx.codes.OK
    assert _call(site, "GET", path, _reading(site, NEIGHBOUR, posted.question.id)).status_code == httpx.codes.NOT_FOUND
    for token in (_reading(site, ASKER, inquiry(APPLICANT).question.id), ""):
        assert _call(site, "GET", path, token).status_code == httpx.codes.UNAUTHORIZED


# --- the ledgers' topics, and what is no message at all


async def test_every_trip_is_recorded(site: Site) -> None:
    """What each layer of a block decided, at the end of each trip: question out and in, answer out and in."""
    posted = inquiry(APPLICANT)
    await ask(site, posted)
    await sites.settled(site)
    assert await _trails(site, topics.intermediate_recorded, posted) == {
        (ASKER, "inquiry"): ["id_conversion coded"],
        (NEIGHBOUR, "response"): ["id_conversion coded"],
        (ASKER, "response"): ["exchange completed"],
    }
    assert await _trails(site, topics.linkage_recorded, posted) == {
        (ASKER, "inquiry"): ["authorization allowed", "network submitted"],
        (NEIGHBOUR, "inquiry"): ["authorization allowed", "crypto opened"],
        (NEIGHBOUR, "response"): ["authorization allowed", "network submitted"],
        (ASKER, "response"): ["authorization allowed", "crypto opened"],
    }


async def test_every_refusal_is_recorded(site: Site) -> None:
    """By the layer that refuses, with its rule; and where the exchange ends."""
    posted = inquiry(APPLICANT, UNLAWFUL)
    await ask(site, posted)
    await sites.settled(site)
    assert await _trails(site, topics.linkage_recorded, posted) == {
        (ASKER, "inquiry"): ["authorization not_in_law_table"]
    }
    assert await _trails(site, topics.intermediate_recorded, posted) == {
        (ASKER, "inquiry"): ["id_conversion coded", "exchange not_in_law_table"]
    }


@pytest.mark.parametrize("kind", malformed.KINDS)
async def test_a_malformed_record_stops_nothing(site: Site, kind: str) -> None:
    """Whatever is put on a topic that others may write to: every reader gets past it, and the next inquiry is answered."""
    await sites.publish(site, await malformed.records(site, kind))
    await sites.settled(site)
    for resident in (APPLICANT, OTHER):
        assert sites.answers(await ask(site, inquiry(resident)), resident)


# --- layouts


@pytest.mark.parametrize("layout", ["block"], indirect=True)
async def test_a_switch_to_services_loses_nothing(site: Site) -> None:
    """Inquiries that are under way while the processes of the blocks stop and those of the services start: one answer each."""
    await many.survive_switch(site, "service", 200)


# --- what the tests say


def _about(record: Message, posted: Posted) -> bool:
    return posted.question.id.encode() in record.headers.get("control", b"")  # others put records without one there


def _kind(site: Site, record: Message) -> str:
    return sites.ended_by(site, record).kind


def _call(site: Site, method: str, path: str, token: str, **body: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return httpx.request(method, site.url("gateway") + path, headers=headers, timeout=30, trust_env=False, **body)


def _reading(site: Site, agency: str, exchange: str) -> str:
    key = assertion_key(site, agency)
    return assert_read(agency, exchange, key.kid, key.secret, int(time.time()) + HOUR)


async def _outcomes(site: Site, topic: Topic, outcome: str) -> int:
    records = await scan(site.kafka(), topic)
    return sum(_trail(record).findings[-1].outcome == outcome for record in records)


async def _trails(site: Site, topic: Topic, posted: Posted) -> dict[tuple[str, str], list[str]]:
    """By agency and kind of message: who found what, over all records of an exchange."""
    found: dict[tuple[str, str], list[str]] = {}
    for record in await scan(site.kafka(), topic):
        if "control" in record.headers and _about(record, posted):
            assert record.value == b""
            assert "subject" not in record.headers
            said = found.setdefault((record.key, record.control.kind), [])
            said += [f"{finding.layer} {_word(finding)}" for finding in _trail(record).findings]
    return found


def _trail(record: Message) -> Trail:
    return Trail.model_validate_json(record.headers["trail"])


def _word(finding: Any) -> str:
    """Its refusal or event; for what is allowed the rule, if that is one word."""
    word: str = finding.rule if finding.outcome == "allowed" and " " not in finding.rule else finding.outcome
    return word
