"""Merkle trees against RFC 9162's own recursive definitions."""

import hashlib
from typing import Final

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.wire.tree import LARGEST, BadPath, climb, grow, leaf, node
from tests.vectors import verifier
from tests.vectors.strategies import MANY

nodes = st.binary(min_size=32, max_size=32)
batches = st.lists(nodes, min_size=1, max_size=40, unique=True)


def root_of(leaves: list[bytes]) -> bytes:
    """MTH, section 2.1.1: split at the largest power of two below the size."""
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root_of(leaves[:half]) + root_of(leaves[half:])).digest()


def path_of(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH, section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path_of(index, leaves[:half]), root_of(leaves[half:])]
    return [*path_of(index - half, leaves[half:]), root_of(leaves[:half])]


@MANY
@given(batches)
def test_trees_are_those_of_the_rfc(leaves: list[bytes]) -> None:
    """Root and every path are what the recursive definitions say, and every path leads to the root."""
    root, paths = grow(leaves)
    assert root == root_of(leaves)
    assert paths == [path_of(index, leaves) for index in range(len(leaves))]
    assert {climb(each, index, len(leaves), paths[index]) for index, each in enumerate(leaves)} == {root}


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 1000])
def test_every_size_has_its_shape(size: int) -> None:
    """Not only sizes that chance draws."""
    leaves = [leaf(index.to_bytes(4, "big")) for index in range(size)]
    root, paths = grow(leaves)
    assert root == root_of(leaves)
    assert all(climb(leaves[index], index, size, path) == root for index, path in enumerate(paths))


@MANY
@given(batches, st.data())
def test_no_other_length_of_path_is_climbed(leaves: list[bytes], data: st.DataObject) -> None:
    """A step more or less, at either end, is a `BadPath`."""
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = grow(leaves)[1][index]
    wrong = [[*path, leaves[0]], [leaves[0], *path], [*path, *path, leaves[0]]]
    if path:
        wrong += [path[:-1], path[1:], []]
    for steps in wrong:
        with pytest.raises(BadPath):
            climb(leaves[index], index, len(leaves), steps)


@MANY
@given(batches, st.data())
def test_nothing_else_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    """Another leaf, place or step leads elsewhere or nowhere."""
    index, size = data.draw(st.integers(0, len(leaves) - 1)), len(leaves)
    root, paths = grow(leaves)
    other = data.draw(st.integers(0, size - 1))
    assume(other != index)
    path = list(paths[index])
    path[data.draw(st.integers(0, len(path) - 1))] = bytes(32)
    for start, place, steps in [
        (leaves[other], index, paths[index]),
        (leaves[index], other, paths[index]),
        (leaves[index], index, path),
        (root, index, paths[index]),
    ]:
        try:
            assert climb(start, place, size, steps) != root
        except BadPath:
            continue


@MANY
@given(nodes, st.integers(-2, 70_000), st.integers(-2, 70_000), st.lists(nodes, max_size=18))
def test_the_second_verifier_climbs_alike(start: bytes, index: int, size: int, path: list[bytes]) -> None:
    """Any index, size and path: the same root, or refused by both; no other exception."""
    try:
        root = climb(start, index, size, path)
    except BadPath:
        with pytest.raises(verifier.Invalid):
            verifier.verify_path(start, index, size, path)
        return
    assert verifier.verify_path(start, index, size, path) == root


@MANY
@given(st.integers(1, LARGEST), st.data())
def test_a_path_of_the_right_length_is_always_climbed(size: int, data: st.DataObject) -> None:
    """Of every size up to the largest, by the second verifier's count of steps."""
    index = data.draw(st.integers(0, size - 1))
    lengths = [length for length in range(18) if _climbs(index, size, length)]
    assert len(lengths) == 1
    assert lengths[0] <= 16


def _climbs(index: int, size: int, length: int) -> bool:
    try:
        climb(bytes(32), index, size, [bytes(32)] * length)
    except BadPath:
        return False
    return True


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 1), (5, 4), (0, LARGEST + 1), (LARGEST, LARGEST)])
def test_a_place_outside_the_tree_is_refused(index: int, size: int) -> None:
    """index < size <= 65,536."""
    for length in range(18):
        with pytest.raises(BadPath):
            climb(bytes(32), index, size, [bytes(32)] * length)


@pytest.mark.parametrize("size", [0, LARGEST + 1])
def test_no_tree_without_leaves_or_beyond_the_largest(size: int) -> None:
    """A batch is signed in parts before it grows too large."""
    with pytest.raises(BadPath):
        grow([bytes(32)] * size)


def test_an_odd_node_rises_unchanged() -> None:
    """It is never duplicated: three leaves are not the tree of four whose last two are one."""
    a, b, c = (leaf(letter) for letter in (b"a", b"b", b"c"))
    assert grow([a, b, c])[0] == node(node(a, b), c) != grow([a, b, c, c])[0]


def test_a_leaf_is_never_a_node() -> None:
    """Their prefixes differ, so that no node can be shown as a message."""
    assert leaf(b"") == hashlib.sha256(b"\x00").digest()
    assert leaf(bytes(64)) != node(bytes(32), bytes(32)) == hashlib.sha256(b"\x01" + bytes(64)).digest()


CERTIFICATE_TRANSPARENCY: Final = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Roots that the implementations of Certificate Transparency test with."""
INPUTS: Final = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]


@pytest.mark.parametrize("size", CERTIFICATE_TRANSPARENCY)
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    """Known answers from outside."""
    root, _ = grow([leaf(bytes.fromhex(text)) for text in INPUTS[:size]])
    assert root.hex() == CERTIFICATE_TRANSPARENCY[size]
