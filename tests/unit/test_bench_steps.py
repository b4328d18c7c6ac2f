"""Microseconds a message are told from what the services count."""

from prometheus_client import generate_latest

from services.operator.bench.steps import Step, add, steps
from services.runtime.metrics import Metrics


def test_steps_are_told_from_two_looks_at_the_metrics() -> None:
    """Only the batches between the looks count, each step by itself, and a step that did nothing is not shown."""
    metrics = Metrics()
    looks: list[dict[tuple[str, str], dict[str, float]]] = []
    for size, seconds in ((500, 9.0), (10, 0.002)):
        _, messages, took = metrics.of("crypto", "outbound.authorized")
        messages.observe(size)
        took.observe(seconds)
        if not looks:
            metrics.of("hub", "network.submitted")[1].observe(1)
            metrics.of("hub", "network.submitted")[2].observe(1)
        found: dict[tuple[str, str], dict[str, float]] = {}
        add(generate_latest(metrics.registry).decode(), found)
        looks.append(found)
    assert steps(*looks) == [Step("crypto", "outbound.authorized", 10.0, 200.0)]
    assert {step.service for step in steps({}, looks[1])} == {"crypto", "hub"}
