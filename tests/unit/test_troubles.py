"""The README's chapter for an operator in trouble quotes what the code really says."""

import ast
import re
from collections.abc import Iterator
from typing import Final

from services.operator.local.jars import CHECKOUT

TITLE: Final = "## When something is wrong\n"
LEAST: Final = 20
"""Rows that the table has at least: else it was not found."""


def quoted() -> list[str]:
    """What stands in the first column of the chapter's table; `…` is whatever the message is about."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    chapter = text.partition(TITLE)[2].partition("\n## ")[0]
    rows = [line for line in chapter.splitlines() if line.startswith("| `")]
    assert len(rows) >= LEAST
    return [one.strip("… ") for row in rows for one in re.findall("`([^`]+)`", row.split(" | ")[0])]


def said() -> list[str]:
    """Every text in the code that is no docstring; a value in it is `…`."""
    files = (CHECKOUT / "services").rglob("*.py")
    return [text for file in files for text in _texts(ast.parse(file.read_text(encoding="utf-8")))]


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        match node:
            case ast.JoinedStr():
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
            case ast.Constant(value=str(text)):
                yield text
        yield from _texts(node)


def test_every_quoted_message_is_one_of_the_code() -> None:
    """What an operator looks up is what the program has printed."""
    texts = said()
    assert [one for one in quoted() if not any(one in text for text in texts)] == []


def test_the_chapter_is_short() -> None:
    """Nobody reads more while something is wrong."""
    chapter = (CHECKOUT / "README.md").read_text(encoding="utf-8").partition(TITLE)[2].partition("\n## ")[0]
    assert len(chapter.splitlines()) <= 40
