"""Microseconds a message at each step, read from the metrics of the running processes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from services.operator.installation import Installation
from services.operator.local import kafka, postgres, process

FAMILIES: Final = {"renkei_step_seconds": "seconds", "renkei_batch_messages": "messages"}
Counts = Mapping[tuple[str, str], Mapping[str, float]]
"""By service and topic: `batches`, `messages` and `seconds` so far."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one service in one run; `microseconds` a message include the wait for PostgreSQL."""

    service: str
    topic: str
    batch: float
    microseconds: float


def counts(installation: Installation) -> Counts:
    """The sums that all running services show now."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for one in process.running(installation.folder):
        if one.name not in (kafka.NAME, postgres.NAME):
            metrics = httpx.get(f"{installation.url(one.name)}/metrics", timeout=5, trust_env=False)
            add(metrics.text, found)
    return found


def add(metrics: str, found: dict[tuple[str, str], dict[str, float]]) -> None:
    """Adds the sums of one process's metrics to `found`."""
    for family in text_string_to_metric_families(metrics):
        name = FAMILIES.get(family.name)
        for sample in family.samples if name else ():
            sums = found.setdefault((sample.labels["service"], sample.labels["topic"]), {})
            if sample.name.endswith("_sum"):
                sums[str(name)] = sums.get(str(name), 0.0) + sample.value
            elif sample.name.endswith("_count") and name == "messages":
                sums["batches"] = sums.get("batches", 0.0) + sample.value


def steps(before: Counts, after: Counts) -> list[Step]:
    """The steps that did anything between two looks."""
    found = []
    for (service, topic), sums in sorted(after.items()):
        earlier = before.get((service, topic), {})
        messages, batches, seconds = (
            sums[name] - earlier.get(name, 0.0) for name in ("messages", "batches", "seconds")
        )
        if messages:
            found.append(Step(service, topic, round(messages / batches, 1), round(seconds * 1e6 / messages, 1)))
    return found
