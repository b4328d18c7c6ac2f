"""Normal form: NFC, but the CJK compatibility ideographs of people's names stay (message.md section 1)."""

import json
import unicodedata
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.canonical import Malformed, decode, encode, is_normal, normal, read
from schemas.text import Label, Record, decoded
from tests.vectors import verifier
from tests.vectors.strategies import MANY

VECTORS: Final[list[dict[str, Any]]] = json.loads((Path(verifier.__file__).parent / "texts.json").read_text())
IDEOGRAPHS: Final = [
    chr(code)
    for code in (*range(0xF900, 0xFB00), *range(0x2F800, 0x2FA20))
    if unicodedata.normalize("NFC", chr(code)) != chr(code)
]
mixed = st.text(
    st.sampled_from([*IDEOGRAPHS, *"かe塚神葛\u3099\u0301\u0323\ufe00\U000e0100\u1112\u1161\ufa0e"]) | st.characters()
)


class Named(Record):
    """A record with a text."""

    name: Label


def quoted(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vectors_of_texts(vector: dict[str, Any]) -> None:
    """An edge makes the text canonical; on the wire it is refused unless it is that already. The verifier agrees."""
    text, canonical = vector["text"], vector["canonical"]
    assert normal(text) == read(quoted(text)) == verifier.normal_form(text) == canonical
    assert decode(encode(canonical)) == canonical
    assert vector["refused"] == (text != canonical) == (not is_normal(text))
    if vector["refused"]:
        with pytest.raises(Malformed):
            encode(text)
        with pytest.raises(verifier.Invalid):
            verifier.canonical(text)


def test_every_compatibility_ideograph_survives() -> None:
    """All 1,002, alone and together, through an edge, the wire and a record: a registered name is the name that is found."""
    assert len(IDEOGRAPHS) == 1002
    for text in (*IDEOGRAPHS, "".join(IDEOGRAPHS)):
        assert decode(encode(read(quoted(text)))) == text
    for text in IDEOGRAPHS:
        named = Named(name=f"{text}本が")
        assert decoded(Named, named.encoded(), 1000) == named


@MANY
@given(mixed)
def test_normal_form_again_changes_nothing(text: str) -> None:
    """It is idempotent, says of itself that it is normal, keeps every such ideograph in its order, and the verifier agrees."""
    once = normal(text)
    assert normal(once) == once == verifier.normal_form(text)
    assert is_normal(once)
    assert is_normal(text) == (once == text)
    kept = {*IDEOGRAPHS}
    assert [one for one in once if one in kept] == [one for one in text if one in kept]


@MANY
@given(mixed)
def test_without_such_an_ideograph_it_is_nfc(text: str) -> None:
    """Nothing else about the spelling differs from Unicode's form C."""
    kept = {*IDEOGRAPHS}
    plain = "".join(one for one in text if one not in kept)
    assert normal(plain) == unicodedata.normalize("NFC", plain)
