"""A share of the mutated records on every run; `python -m tests.hostile.mutate --count 1000000` judges as many as wanted."""

from tests.hostile.mutate import PASSED, Mutator, Run
from tests.hostile.mutations import MUTATIONS

COUNT = 20_000
ON_THE_WAY = {"malformed", "bad_signature", "unknown_key", "subject_mismatch"}
BEHIND_SIGNATURES = {
    "submitted, signed again": {"commitment_mismatch", "subject_mismatch", "clock_skew", "unknown_key"},
    "delivered, signed again": {"commitment_mismatch", "subject_mismatch", "clock_skew", "unknown_key", "bad_permit"},
}


def test_a_mutated_record_is_refused_or_a_good_one() -> None:
    """Refusal or security event, no other exception; what passes unsigned is, byte for byte, a record that was sent."""
    mutator = Mutator.seeded(1)
    run = mutator.run(COUNT)
    assert run.faults == []
    assert run.counts.total() == COUNT
    codes = _codes(run)
    assert codes["submitted"] >= ON_THE_WAY
    assert codes["delivered"] >= ON_THE_WAY | {"bad_permit", "wrong_receiver"}
    for kind, reached in BEHIND_SIGNATURES.items():
        assert codes[kind] >= reached | {PASSED}


def test_every_mutation_alters_a_record() -> None:
    """None of them is idle: each makes of a good record, sooner or later, one that differs."""
    mutator = Mutator.seeded(2)
    for name, mutation in MUTATIONS.items():
        message = mutator.stock.records[0]
        altered = [mutation(mutator.chance, mutator.stock, message) for _ in range(50)]
        assert any(one != message for one in altered), name


def _codes(run: Run) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for kind, code in run.counts:
        found.setdefault(kind, set()).add(code)
    return found
