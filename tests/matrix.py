"""Which test shows which check of message.md, and which one raises which code: `python -m tests.matrix` rewrites the table.

The tests say it themselves, by the marks `check` and `code`, on a test or on one of its cases. A unit test fails where a
check or a code has no test, where a mark names neither, and where the table in README.md is not what the marks say.
"""

import ast
import importlib.util
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from schemas.refusal import RefusalCode, SecurityCode
from services.operator.generate.marked import between

FOLDER: Final = Path(__file__).parent
README: Final = FOLDER / "README.md"
BEGIN: Final = "<!-- Written by `python -m tests.matrix` from the tests' marks. -->"
END: Final = "<!-- End of what `python -m tests.matrix` writes. -->"

CHECKS: Final[Mapping[str, str]] = {
    "own side: sign key": "3 keys",
    "own side: wrap key": "3 keys",
    "own side: size": "6",
    "hub: sizes": "6",
    "hub: shape and spelling": "1, 4",
    "hub: names": "4",
    "hub: sign kid": "3 keys, time",
    "hub: wrap kid": "3 keys",
    "hub: hub kid": "3 keys",
    "hub: lengths": "3 E, W",
    "hub: nobody in a refusal": "3 receipts and refusals",
    "hub: signature": "3 trees",
    "hub: times": "4 receiver, ahead of it",
    "hub: (sender, id)": "3 identity",
    "hub: U": "2, 3 U",
    "hub: delegation": "1 on_behalf_of",
    "hub: agencies": "1 sender, receiver",
    "hub: item": "1 item",
    "hub: law table": "1 basis",
    "hub: assessment duty": "4",
    "hub: expires": "4",
    "hub: answer's inquiry": "4 a stored D, parties swapped",
    "hub: answer's M and D": "1 in_reply_to",
    "hub: answer's basis and item": "4",
    "hub: the only answer": "4",
    "hub: answer's person": "4",
    "hub: answer's time": "4",
    "hub: person": "2, 5",
    "hub: receiver's key": "3 U'",
    "network: sizes": "6",
    "receiver: sizes": "6",
    "receiver: shape and spelling": "1, 4",
    "receiver: receiver": "4",
    "authorization: delegation": "1 on_behalf_of",
    "authorization: agencies": "1 sender, receiver",
    "authorization: item": "1 item",
    "authorization: law table": "1 basis",
    "authorization: assessment duty": "4",
    "authorization: role": "1 officer",
    "authorization: hours": "5 not_accepting",
    "receiver: permit is there": "4",
    "receiver: edition": "4",
    "receiver: sign kid": "3 keys, time",
    "receiver: wrap kid": "3 keys",
    "receiver: hub kid": "3 keys",
    "receiver: permit kid": "3 keys, time",
    "receiver: permit's wrap kid": "3 keys",
    "receiver: nobody in a refusal": "3 receipts and refusals",
    "receiver: signature": "3 trees",
    "receiver: permit": "3 D, P",
    "receiver: created": "4",
    "receiver: permit time": "4",
    "receiver: life": "4",
    "receiver: expires": "4",
    "receiver: authorization": "4",
    "receiver: quota of unwraps": "3 content keys",
    "receiver: unwrap": "3 W",
    "receiver: open": "3 E",
    "receiver: padding": "3 E",
    "receiver: hB": "3 hB",
    "receiver: U'": "3 U'",
    "receiver: hS'": "3 hS'",
    "receiver: (sender, id): again": "4 before everything",
    "receiver: (sender, id): copy": "4",
    "receiver: (sender, id): replay": "4, 5",
    "receiver: (sender, id): second decision": "4",
    "receiver: (sender, id): other content": "3 identity",
}
"""In the order in which they are made; with the section of message.md, and the word there."""
CODES: Final = tuple(dict.fromkeys(str(code) for code in (*RefusalCode, *SecurityCode)))


@dataclass(frozen=True)
class Shown:
    """A test, or one case of it, with what its marks say."""

    file: str
    checks: frozenset[str]
    codes: frozenset[str]


def shown() -> list[Shown]:
    """Every test with such a mark, each case of it by itself."""
    return [one for path in sorted(FOLDER.rglob("test_*.py")) for test in _tests(path) for one in _cases(path, test)]


def table(tests: Sequence[Shown]) -> str:
    """Checks, then codes: which file's tests show each, and how many they are, case by case."""
    lines = ["| check | message.md | meets | shown by |", "|---|---|---|---|"]
    for check, section in CHECKS.items():
        some = [one for one in tests if check in one.checks]
        codes = sorted({code for one in some for code in one.codes})
        met = ", ".join(f"`{code}`" for code in codes)
        lines.append(f"| {check} | {section} | {met} | {_files(some)} |")
    lines += ["", "| code | raised in |", "|---|---|"]
    return "\n".join(
        [*lines, *(f"| `{code}` | {_files([one for one in tests if code in one.codes])} |" for code in CODES)]
    )


def written_into(readme: str) -> str:
    """The page with the table as it is now; ValueError if its two markers are gone."""
    return between(readme, BEGIN, END, table(shown()))


def _files(tests: Sequence[Shown]) -> str:
    """The files, each with the number of its tests."""
    counted = Counter(one.file for one in tests)
    return ", ".join(f"[{Path(file).stem}]({file}) {count}" for file, count in counted.items()) or "nothing yet"


def _tests(path: Path) -> Iterator[Callable[..., Any]]:
    """The test functions of a file; one that has no such mark is not even imported."""
    source = path.read_text(encoding="utf-8")
    if "mark.check(" not in source and "mark.code(" not in source:
        return
    names = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    module = _imported(path)
    yield from (getattr(module, name) for name in sorted(names) if name.startswith("test_"))


def _imported(path: Path) -> ModuleType:
    """The module, as pytest has it if it has collected it."""
    known = sys.modules.get(path.stem)
    if known is not None and known.__file__ == str(path):
        return known
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses look their own module up
    spec.loader.exec_module(module)
    return module


def _cases(path: Path, test: Callable[..., Any]) -> Iterator[Shown]:
    """The test itself, or each of its cases that has marks of its own; the test's are those of every case."""
    own = list(getattr(test, "pytestmark", []))
    cases = [getattr(case, "marks", ()) for mark in own if mark.name == "parametrize" for case in mark.args[1]]
    for marks in [some for some in cases if some] or [()]:
        checks, codes = (frozenset(_named(kind, [*own, *marks])) for kind in ("check", "code"))
        if checks or codes:
            yield Shown(str(path.relative_to(FOLDER)), checks, codes)


def _named(kind: str, marks: Sequence[Any]) -> Iterator[str]:
    return (mark.args[0] for mark in marks if mark.name == kind)


def main() -> None:
    README.write_text(written_into(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
