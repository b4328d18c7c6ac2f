"""The processes of an installation, asked one beside the other; one that hangs costs no more than its time limit."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from schemas.text import instant
from services.operator.installation import Installation
from services.operator.local import kafka, postgres, process
from services.operator.local.error import InstallationError
from services.operator.local.process import Process
from services.operator.status.facts import Program, Unknown

SERVERS: Final = (kafka.NAME, postgres.NAME)
EDITION: Final = "renkei_directory_edition"
POSTS: Final = "renkei_posts_faulty"


async def programs(installation: Installation, seconds: float) -> list[Program]:
    """Every process that was started and not stopped in order, whether it still runs or not; without the servers."""
    known = [one for one in process.remembered(installation.folder) if one.name not in SERVERS]
    async with httpx.AsyncClient(timeout=seconds, trust_env=False) as client:
        return await asyncio.gather(*(_program(client, installation, one, seconds) for one in known))


def server(installation: Installation, name: str, answer: object) -> Program:
    """Kafka or PostgreSQL: ready if it has answered; one that is another's has no process here."""
    found = [one for one in process.remembered(installation.folder) if one.name == name]
    if found and not process.is_alive(found[0]):
        return _ended(found[0])
    seen = Program(name, "ready") if not found else _seen(found[0], Program(name, "ready"))
    return replace(seen, state="silent", waiting={"": answer.reason}) if isinstance(answer, Unknown) else seen


async def _program(client: httpx.AsyncClient, installation: Installation, one: Process, seconds: float) -> Program:
    if not process.is_alive(one):
        return _ended(one)
    seen = await asyncio.to_thread(_seen, one, Program(one.name, "ready"))
    try:
        url = installation.url(one.name)
        async with asyncio.timeout(seconds):
            ready, metrics = await client.get(f"{url}/ready"), await client.get(f"{url}/metrics")
        said = ready.json()
        return replace(
            seen,
            state="ready" if said["ready"] else "waiting",
            waiting=said["waiting"],
            edition=edition_of(metrics.text),
            posts=faulty_posts(metrics.text),
        )
    except (httpx.TimeoutException, TimeoutError):
        return replace(seen, state="silent", waiting={"": f"no answer within {seconds:g} s"})
    except (httpx.HTTPError, InstallationError, ValueError, LookupError) as error:
        return replace(seen, state="silent", waiting={"": f"no answer: {type(error).__name__}"})


def edition_of(metrics: str) -> int | None:
    """The directory's edition among a process's metrics; None where there is none."""
    for family in text_string_to_metric_families(metrics):
        if family.name == EDITION:
            return int(family.samples[0].value)
    return None


def faulty_posts(metrics: str) -> int | None:
    """What `exchange` counts among a process's metrics, if it runs there."""
    for family in text_string_to_metric_families(metrics):
        if family.name == POSTS:
            return int(sum(sample.value for sample in family.samples if sample.name == f"{POSTS}_total"))
    return None


def _ended(one: Process) -> Program:
    return Program(one.name, "ended", restarts=one.restarts)


def _seen(one: Process, program: Program) -> Program:
    """What the system says of it; nothing where it ends at this moment."""
    seen = replace(program, pid=one.pid, restarts=one.restarts)
    with suppress(psutil.Error, OSError):
        running = psutil.Process(one.pid)
        since = instant(datetime.fromtimestamp(running.create_time(), UTC))
        memory = sum(_memory(member) for member in (running, *running.children(recursive=True)))
        seen = replace(seen, since=since, memory=memory)
    return seen


def _memory(one: psutil.Process) -> int:
    """Linux says how much of what is shared falls to it; elsewhere it counts wholly."""
    try:
        found = one.memory_full_info()
        return int(getattr(found, "pss", found.rss))
    except psutil.Error:
        return 0
