"""The headers `trail` and `proof`: what is passed on inside a block."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import proof
from schemas.canonical import Malformed
from schemas.proof import Proof
from schemas.text import to_text
from schemas.trail import ALLOWED, LIMIT, Finding, Trail, extended, read
from tests.vectors.strategies import MANY, digests, instants, names, texts

findings = st.builds(Finding, layer=names, outcome=names, rule=texts, edition=st.integers(0, 2**53 - 1))
LAYERS: Final = ["exchange", "id_conversion", "authorization", "crypto", "network"]


def finding(layer: str, outcome: str = ALLOWED) -> Finding:
    return Finding(layer=layer, outcome=outcome, rule="a rule", edition=1)


@MANY
@given(st.lists(findings, max_size=6))
def test_a_trail_is_its_findings_in_their_order(found: list[Finding]) -> None:
    """Each layer adds one; nothing that stands there changes."""
    data = b""
    for each in found:
        assert read(extended(data, each)).findings[:-1] == read(data).findings
        data = extended(data, each)
    assert read(data).findings == found


@MANY
@given(st.lists(findings, max_size=6), names)
def test_the_verdict_of_a_layer_is_its_last(found: list[Finding], layer: str) -> None:
    """A layer that was passed twice was judged anew."""
    trail = Trail(findings=found)
    own = [each for each in found if each.layer == layer]
    assert trail.verdict(layer) == (own[-1] if own else None)
    again = finding(layer, "expired")
    assert Trail(findings=[*found, again]).verdict(layer) == again


def test_a_block_is_entered_without_a_trail() -> None:
    """No header is an empty trail."""
    assert read(b"") == Trail()
    assert read(b"").findings == []


@MANY
@given(st.binary(min_size=1))
def test_anything_else_is_malformed(data: bytes) -> None:
    """One error, of one kind."""
    with pytest.raises(Malformed):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b'{"findings": []}',
        b'{"findings":[],"x":1}',
        b'{"findings":[{"edition":1,"layer":"a","outcome":"b"}]}',
        b'{"findings":[{"edition":-1,"layer":"a","outcome":"b","rule":""}]}',
        b'{"findings":[' + b'{"edition":1,"layer":"a","outcome":"b","rule":""},' * 400 + b"]}",
        b"[" * LIMIT,
    ],
)
def test_other_spellings_are_malformed(data: bytes) -> None:
    """And what is too large is not parsed."""
    with pytest.raises(Malformed):
        read(data)


def test_a_rule_has_its_length() -> None:
    """A trail of every layer stays within the header's limit."""
    with pytest.raises(ValidationError):
        Finding(layer="crypto", outcome=ALLOWED, rule="x" * 257, edition=1)
    data = b""
    for layer in LAYERS * 2:
        data = extended(data, Finding(layer=layer, outcome="not_in_law_table", rule="項" * 256, edition=2**53 - 1))
    assert len(data) < LIMIT


@MANY
@given(st.builds(Proof, message=digests, decision=st.none() | digests, time=instants))
def test_a_proof_survives_its_bytes(verified: Proof) -> None:
    """M, SHA-256(D) and the permit's time; a refusal of the hub has no decision."""
    assert proof.read(verified.encoded()) == verified
    assert len(verified.encoded()) <= proof.LIMIT
    assert to_text(verified.identity) == verified.message


@MANY
@given(st.binary(max_size=2000))
def test_any_other_proof_is_malformed(data: bytes) -> None:
    """Missing, too large, or not in its spelling."""
    with pytest.raises(Malformed):
        proof.read(data)
