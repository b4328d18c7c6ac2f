"""What fuzzing found worth keeping, replayed: `tests.hostile.fuzz` writes it, and needs more than the tests do."""

from pathlib import Path

import pytest

from tests.hostile.fuzz import CORPUS, LONGEST
from tests.hostile.targets import TARGETS

MOST_BYTES = 512 * 1024


def inputs(target: str) -> list[Path]:
    return sorted((CORPUS / target).iterdir())


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_passes(target: str) -> None:
    """No input of any target breaks what must hold; some are taken and some are not, or nothing would be shown."""
    taken = [TARGETS[target](path.read_bytes()) for path in inputs(target)]
    assert {True, False} == set(taken)


@pytest.mark.parametrize("target", TARGETS)
def test_every_input_of_the_corpus_cut_short(target: str) -> None:
    """Whatever ends too early, or goes on too long, ends in the one error type as well."""
    for path in inputs(target):
        data = path.read_bytes()
        for cut in {0, 1, len(data) // 2, len(data) - 1}:
            TARGETS[target](data[:cut])
        for more in (b"\0", b" ", b"}", data, b"[" * LONGEST):
            TARGETS[target](data + more)


def test_the_corpus_is_small() -> None:
    """Minimised: `python -m tests.hostile.fuzz TARGET --merge FOLDER`."""
    assert sum(path.stat().st_size for target in TARGETS for path in inputs(target)) < MOST_BYTES
    assert {path.name for path in CORPUS.iterdir()} == set(TARGETS)
