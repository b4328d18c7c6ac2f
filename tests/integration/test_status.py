"""`renkei status` and `renkei logs` on a running site, with parts that hang, have ended or do not answer."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pytest
from typer.testing import CliRunner, Result

from services.operator import asking
from services.operator.command import app
from services.operator.local import process
from services.operator.local.port import HOST
from services.operator.status import asking as status
from services.operator.status.facts import Beat, Facts, Program, Unknown
from services.operator.status.judging import attention
from services.topology import groups
from tests import site as sites
from tests.site import RESIDENTS, Site
from tests.waiting import halt, until

SECONDS: Final = 1.5
"""How long a part may take to answer here."""
CODED: Final = "renkei.authorization.outbound.coded"
ELSEWHERE: Final = ("quarantine", "keys", "disk")
"""What other tests and the machine may leave in need of attention."""


@pytest.fixture(autouse=True)
def settled(site: Site) -> None:
    """In one process per block, with nothing left to do."""
    sites.switch(site, "block")
    asyncio.run(sites.settled(site))
    asyncio.run(until(lambda: of_one_edition(site)))


def test_all_is_well(site: Site) -> None:
    """Everything answers, everything is done, every process has the edition that the hub has published."""
    answer = run(site, "status", "--json")
    said = json.loads(answer.output)
    assert [text for text in said["attention"] if not text.startswith(ELSEWHERE)] == []
    assert answer.exit_code == bool(said["attention"])
    found = {one["name"]: one for one in said["programs"]}
    assert found.keys() == {"kafka", "postgres", "hub", "linkage", "intermediate", "gateway"}
    assert {one["state"] for one in found.values()} == {"ready"}
    assert {found[name]["edition"] for name in sites.running(site)} == {said["published"]} == {said["beat"]["edition"]}
    assert all(found[name]["pid"] and found[name]["since"] and found[name]["memory"] for name in sites.running(site))
    assert [(one["group"], one["left"], one["missing"], one["outrun"]) for one in said["groups"]] == [
        (group, 0, 0, 0) for group, _ in groups()
    ]
    screen = run(site, "status")
    assert screen.exit_code == answer.exit_code
    assert "have nothing left to do" in screen.output


def test_a_process_that_hangs_is_told_with_what_it_leaves(site: Site) -> None:
    """It is silent, all others are seen as ever; what it should do waits, with its age, and then is done."""
    posted = sites.inquiry(RESIDENTS[0])
    with stopped(site, "linkage"):
        assert asyncio.run(asking.post_http(site, posted)).status_code == 202
        asyncio.run(until(lambda: asked_later(site)))
        asyncio.run(until(lambda: alone_left(site, CODED)))  # the others have committed what they did
        facts = asyncio.run(status.facts(site, SECONDS))
        linkage = program(facts, "linkage")
        assert (linkage.state, linkage.waiting) == ("silent", {"": "no answer within 1.5 s"})
        assert {one.state for one in facts.programs if one != linkage} == {"ready"}
        assert not isinstance(facts.groups, Unknown)
        [lag] = [one for one in facts.groups if one.left]
        assert (lag.group, lag.left) == (CODED, 1)
        assert lag.oldest is not None
        assert "linkage does not answer: no answer within 1.5 s" in attention(facts)
        assert not any(personal in repr(facts) for personal in (sites.NUMBER, sites.CONDITION, posted.question.id))
    assert asyncio.run(asking.wait(site, posted.question.sender, posted.question.id, 30)).outcome == "records"


def test_a_process_that_has_ended_is_told(site: Site) -> None:
    """Until it is started again, which is counted."""
    one = process.find("gateway", site.folder)
    assert one is not None
    os.kill(one.pid, signal.SIGKILL)
    asyncio.run(until(lambda: not process.is_alive(one)))
    facts = asyncio.run(status.facts(site, SECONDS))
    assert program(facts, "gateway") == Program("gateway", "ended", restarts=one.restarts)
    [text] = [text for text in attention(facts) if not text.startswith(ELSEWHERE)]
    assert text == "gateway has ended by itself: see `renkei logs gateway`, start it with `renkei up`"
    site.wait_ready([site.start("gateway")])
    assert program(asyncio.run(status.facts(site, SECONDS)), "gateway").restarts == one.restarts + 1


@pytest.mark.parametrize("hangs", [True, False])
def test_servers_that_do_not_answer_are_told(site: Site, hangs: bool) -> None:
    """Whether they hang or are gone: what only they know is not known, with the reason, and the rest is."""
    with socket.create_server((HOST, 0)) as silent:
        address = f"{HOST}:{silent.getsockname()[1] if hangs else 1}"
        lost = replace(site, bootstrap=address, dsn=f"postgresql://postgres:x@{address}/postgres")
        facts = asyncio.run(status.facts(lost, SECONDS))
    assert {one.name: one.state for one in facts.programs if one.state != "ready"} == {
        "kafka": "silent",
        "postgres": "silent",
    }
    for answer in (facts.groups, facts.beat, facts.published, facts.quarantine):
        assert isinstance(answer, Unknown)
    told = [text for text in attention(facts) if not text.startswith(ELSEWHERE)]
    assert [text.partition(":")[0] for text in told] == ["kafka does not answer", "postgres does not answer"]


def test_the_beat_is_of_now(site: Site) -> None:
    """The hub's last one on the topic, whatever else was published."""
    facts = asyncio.run(status.facts(site, SECONDS))
    assert isinstance(facts.beat, Beat)
    assert facts.beat.edition == facts.published


def test_the_logs_are_one(site: Site) -> None:
    """Of all processes or of one; a name that there is not ends with status 2."""
    everything = run(site, "logs", "--since", "1d").output
    assert " hub           info    started services=hub edition=" in everything
    alone = run(site, "logs", "linkage", "--since", "1d").output
    assert "started services=authorization,crypto,network" in alone
    assert "services=hub" not in alone
    assert run(site, "logs", "hub", "--errors", "--since", "2x").exit_code == 2


def run(site: Site, *command: str) -> Result:
    """The command as an operator gives it, on the servers of the site."""
    told = {"RENKEI_KAFKA": site.kafka(), "RENKEI_POSTGRES": site.superuser(), "RENKEI_FOLDER": str(site.folder)}
    return CliRunner().invoke(app, command, env={**told, "COLUMNS": "200"})


@contextmanager
def stopped(site: Site, name: str) -> Iterator[None]:
    """A process that is alive and does nothing."""
    one = process.find(name, site.folder)
    assert one is not None
    halt(one.pid)
    try:
        yield
    finally:
        os.kill(one.pid, signal.SIGCONT)


async def alone_left(site: Site, group: str) -> bool:
    """Whether this group has something to do, and no other."""
    found = (await status.facts(site, SECONDS)).groups
    return not isinstance(found, Unknown) and [one.group for one in found if one.left] == [group]


async def asked_later(site: Site) -> bool:
    """What the stopped block should do has come to its topic."""
    return CODED in await sites.left(site)


async def of_one_edition(site: Site) -> bool:
    """Every process says so; its metric is written every two seconds."""
    facts = await status.facts(site, SECONDS)
    return {one.edition for one in facts.programs if one.edition is not None} == {facts.published}


def program(facts: Facts, name: str) -> Program:
    return next(one for one in facts.programs if one.name == name)
