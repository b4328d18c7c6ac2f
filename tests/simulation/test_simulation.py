"""Hundreds of executions in which everything goes wrong that may: each inquiry still ends once, as it must."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from tests.simulation import planted
from tests.simulation.execution import run, simulated
from tests.simulation.faults import KINDS
from tests.simulation.inquiries import ENDS

SEEDS = 200
FIRST = 0
"""`python -m tests.simulation` runs others."""
FOUND_WITHIN = 1000


@pytest.fixture(scope="module", autouse=True)
def _simulated() -> Iterator[None]:
    with simulated():
        yield


@pytest.mark.parametrize("start", range(FIRST, FIRST + SEEDS, 50))
def test_every_seed_holds(start: int) -> None:
    """Whatever fails, repeats, dies or jumps: nothing is lost, invented, answered twice, overtaken or set aside."""
    wrong = {seed: verdict.wrong for seed in range(start, start + 50) if (verdict := run(seed)).wrong}
    assert not wrong


def test_one_seed_is_one_execution() -> None:
    """The same faults at the same awaits, step by step, however often it is run."""
    first, second = run(17), run(17)
    assert first == second
    assert first.steps > 500


def test_every_fault_happens() -> None:
    """Within the seeds that are run here, each kind of fault strikes, and each sort of inquiry is made."""
    verdicts = [run(seed) for seed in range(60)]
    assert {kind for verdict in verdicts for kind in verdict.happened} == set(KINDS)
    assert {sort for verdict in verdicts for sort in verdict.asked} == set(ENDS)


@pytest.mark.parametrize(
    "plant",
    [
        planted.emitted_once,
        planted.bare_commit,
        planted.faceless_identity,
        planted.unlocked,
        planted.unordered,
        planted.decided_anew,
    ],
)
def test_a_planted_bug_is_found(plant: Callable[[], AbstractContextManager[None]]) -> None:
    """Within a thousand seeds some rule is broken."""
    with plant():
        assert any(run(seed).wrong for seed in range(FOUND_WITHIN))
