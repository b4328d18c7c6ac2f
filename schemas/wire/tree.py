"""Merkle trees as RFC 9162 section 2.1 has them: one signature for a batch, one path for each message of it."""

import hashlib
from collections.abc import Sequence
from typing import Final

LARGEST: Final = 65_536
"""Leaves under one signature (message.md section 3)."""


class BadPath(ValueError):
    """Index, size or path that no tree has."""


def leaf(data: bytes) -> bytes:
    """Section 2.1.1: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Section 2.1.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def grow(leaves: Sequence[bytes]) -> tuple[bytes, list[list[bytes]]]:
    """Root and one inclusion path a leaf; an odd node rises unchanged, it is never duplicated."""
    if not 1 <= len(leaves) <= LARGEST:
        raise BadPath(f"a tree has 1 to {LARGEST} leaves, not {len(leaves)}")
    paths: list[list[bytes]] = [[] for _ in leaves]
    level, width = list(leaves), 1
    while len(level) > 1:
        for index, path in enumerate(paths):
            sibling = (index // width) ^ 1
            if sibling < len(level):
                path.append(level[sibling])
        odd = level[-1:] if len(level) % 2 else []
        level = [node(a, b) for a, b in zip(level[::2], level[1::2], strict=False)] + odd
        width *= 2
    return level[0], paths


def climb(start: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that `path` leads to (section 2.1.3.2); a path of any other length than the RFC's is a `BadPath`."""
    if not 0 <= index < size <= LARGEST:
        raise BadPath(f"index {index} is not in a tree of {size}")
    place, last, root = index, size - 1, start
    for step in path:
        if last == 0:
            raise BadPath("the path is too long")
        if place % 2 or place == last:
            root = node(step, root)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            root = node(root, step)
        place, last = place // 2, last // 2
    if last:
        raise BadPath("the path is too short")
    return root
