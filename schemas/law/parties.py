"""Reads the table's columns 情報照会者 and 情報提供者: which classes of agencies a text names, by rules of wording.

An alternative is *resolved* only if its text is exactly the name of an `AgencyClass`. Whatever else it says
(共済組合等, …を支給することとされている者, 保健所を設置する市の長) depends on another law; it is kept as text,
and `candidates` says which classes it could mean at most, so that a denial can tell "undecided" from "forbidden".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.law.agency_class import BY_JAPANESE, CORPORATIONS, EVERY_CLASS, AgencyClass


@dataclass(frozen=True, slots=True)
class Party:
    """One alternative of a line's inquirer or provider."""

    text: str
    """As the table has it, with the qualifier that it shares with its neighbours."""
    agency_class: AgencyClass | None
    """None: unresolved; such an alternative never allows anything."""
    candidates: frozenset[AgencyClass]
    """Classes that the text can mean at most; for a resolved alternative only itself."""


def read_parties(text: str, definitions: Mapping[str, str]) -> tuple[Party, ...]:
    """The alternatives of one cell; `definitions` are the terms that the table defines (医療保険者)."""
    alternatives = (each for name in _alternatives(text) for each in _with_example(name, definitions))
    return tuple(_party(alternative, definitions) for alternative in alternatives)


_INCLUDING = re.compile(r"（([^（）]*)を含む。）")
"""A（Bを含む。）: B is one more alternative."""
_BRACKETS = re.compile(r"（[^（）]*）")
"""Any other brackets define a term (…をいう。以下同じ。)."""
_OR = re.compile(r"(?<![条項号])(?:又は|若しくは|、)")
"""Alternatives; after an article's number it is the articles that alternate (第五十五条又は第百二十八条に規定する…)."""
_QUALIFIES: Final = "である"
"""…事業主体である都道府県知事又は市町村長: the clause limits every name after it."""


def _alternatives(text: str) -> Iterator[str]:
    text = _INCLUDING.sub(r"、\1", text)
    while _BRACKETS.search(text):  # innermost first
        text = _BRACKETS.sub("", text)
    qualifier, names = _qualified(text)
    return (qualifier + name for name in _OR.split(names))


def _qualified(text: str) -> tuple[str, str]:
    """The clause and the names it limits; it is no such clause if other words follow (年金である給付の支給を…者)."""
    before, found, after = text.rpartition(_QUALIFIES)
    if all(name in BY_JAPANESE for name in _OR.split(after)):
        return before + found, after
    return "", text


def _with_example(text: str, definitions: Mapping[str, str]) -> Iterator[str]:
    """Aその他のB: A is one of the Bs (医療保険者その他の法令による医療に関する給付の支給を行うこととされている者)."""
    example, found, _ = text.partition("その他の")
    if found and (example in definitions or example in BY_JAPANESE):
        yield example
    yield text


def _party(text: str, definitions: Mapping[str, str]) -> Party:
    if text in BY_JAPANESE:
        return Party(text, BY_JAPANESE[text], frozenset({BY_JAPANESE[text]}))
    if text in definitions:
        parts = [_candidates(part) for part in _alternatives(definitions[text])]
        return Party(text, None, frozenset().union(*parts))
    return Party(text, None, _candidates(text))


def _candidates(text: str) -> frozenset[AgencyClass]:
    """At most whom an unresolved text can mean, by how it ends."""
    if text.endswith("者"):  # whoever another law says
        return EVERY_CLASS
    if text.endswith("市の長"):
        return frozenset({AgencyClass.MAYOR})
    named = max((name for name in BY_JAPANESE if text.endswith(name)), key=len, default=None)
    if named is not None:  # 国民健康保険組合 also ends in 健康保険組合: the longest name counts
        return frozenset({BY_JAPANESE[named]})
    return CORPORATIONS  # a kind of body that another law sets up: 共済組合等, 存続組合, 指定基金
