"""The vector for business systems: what Renkei computes, what the examples of the guide compute, and what RFCs say."""

import ast
import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas import jwe
from schemas.directory import KeyRecord
from schemas.jwk import read_public
from schemas.request import ReadClaims, check_assertion, read_request, verified
from schemas.text import moment, to_bytes, to_text
from tests.unit.test_jwe import written_out
from tests.vectors import business_system
from tests.vectors.business_system import AGENCY, EVENT, KEYS, NOW, RECORDS, SYSTEM, private_key

ROOT: Final = Path(__file__).parents[2]
EXAMPLES: Final = ROOT / "docs" / "examples" / "python"
GUIDE: Final = (ROOT / "docs" / "guides" / "business-systems.md").read_text(encoding="utf-8")
VECTOR: Final[dict[str, Any]] = json.loads(business_system.FILE.read_text())
REQUEST: Final[dict[str, Any]] = VECTOR["request"]
AT: Final = moment(NOW).timestamp()


def _loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


posting: Final = _loaded("posting")
SYSTEM_OF_EXAMPLE: Final = posting.System(VECTOR["key_set"])


def key(kid: str) -> KeyRecord | None:
    return next((record for record in RECORDS.values() if record.kid == kid), None)


# --- Renkei


def test_renkei_computes_the_vector() -> None:
    """Every value but the JWEs, which are different at each sealing."""
    made = business_system.document()
    assert {**made, "jwes": None} == {**VECTOR, "jwes": None}


def test_renkei_takes_what_the_vector_posts() -> None:
    """The request in whatever spelling, and both assertions."""
    parts = [json.dumps(REQUEST["given"][name]).encode() for name in ("control", "business")]
    posted = read_request(parts[0], REQUEST["subject"].encode(), parts[1])
    assert (posted.control.decode(), posted.business.decode()) == (REQUEST["control"], REQUEST["business"])
    check_assertion(posted, VECTOR["assertion"]["token"].encode(), key, AT)
    read = verified(VECTOR["read_assertion"]["token"].encode(), key, AT, ReadClaims)
    assert (read.iss, read.exchange) == (AGENCY, posted.question.id)


def test_renkei_enrols_the_vectors_keys() -> None:
    """The public halves of the key set, in their order."""
    public = [{name: value for name, value in one.items() if name != "d"} for one in VECTOR["key_set"]["keys"]]
    found = read_public(json.dumps({"keys": public}).encode())
    assert [(one.purpose, one.algorithm) for one in found] == [*KEYS]
    assert [to_text(one.public) for one in found] == [record.key for record in RECORDS.values()]


# --- By the RFCs alone


def test_digests_are_over_the_frames() -> None:
    """`h` and every `kid` are the SHA-256 of the bytes shown; each part stands after its length in four bytes."""
    for framed, digest in [(one["framed"], one["kid"]) for one in VECTOR["kids"]] + [(REQUEST["framed"], REQUEST["h"])]:
        assert to_text(hashlib.sha256(bytes.fromhex(framed)).digest()) == digest
    parts = [b"renkei/request/1", *(REQUEST[name].encode() for name in ("control", "subject", "business"))]
    assert bytes.fromhex(REQUEST["framed"]) == b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@pytest.mark.parametrize("name", ["assertion", "read_assertion"])
def test_a_token_is_header_and_claims_signed(name: str) -> None:
    """RFC 7515 section 3.1, RFC 8037."""
    said = VECTOR[name]
    signed = f"{to_text(said['header'].encode())}.{to_text(said['claims'].encode())}"
    signature = Ed25519PrivateKey.from_private_bytes(private_key("ed25519")).sign(signed.encode())
    assert f"{signed}.{to_text(signature)}" == said["token"]


@pytest.mark.parametrize("algorithm", ["x25519", "ecdh-p256"])
def test_a_jwe_opens(algorithm: Any) -> None:
    """By the RFCs written out, and by Renkei; to the content that the gateway would show."""
    token, content = VECTOR["jwes"][algorithm], VECTOR["event"]["content"].encode()
    header, plain = written_out(token, private_key(algorithm))
    assert (plain, header["kid"]) == (content, RECORDS[algorithm].kid)
    keys = {RECORDS[algorithm].kid: (algorithm, private_key(algorithm))}
    assert jwe.opened(token.encode(), jwe.Addressed(EVENT, AGENCY, SYSTEM), keys) == content


def murmur2(data: bytes) -> int:
    """MurmurHash 2.0 as the Java client has it: seed 0x9747b28c, 32 bits, little-endian, in positive numbers."""
    mixed, keep = (0x9747B28C ^ len(data)) & 0xFFFFFFFF, 0xFFFFFFFF
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        part = int.from_bytes(data[start : start + 4], "little") * 0x5BD1E995 & keep
        mixed = (mixed * 0x5BD1E995 & keep) ^ ((part ^ part >> 24) * 0x5BD1E995 & keep)
    if rest := data[whole:]:
        mixed = (mixed ^ int.from_bytes(rest, "little")) * 0x5BD1E995 & keep
    mixed = (mixed ^ mixed >> 13) * 0x5BD1E995 & keep
    return mixed ^ mixed >> 15


def test_a_record_key_has_its_partition() -> None:
    """murmur2, its sign bit cleared, modulo twelve."""
    assert {code: (murmur2(code.encode()) & 0x7FFFFFFF) % 12 for code in VECTOR["partitions"]} == VECTOR["partitions"]


# --- The examples of the guide


def test_the_examples_import_nothing_of_renkei() -> None:
    """What they need are the standard library and four packages that anybody can have."""
    allowed = {"httpx", "aiokafka", "jwt", "joserfc", "posting"}
    known = {"ask_over_http.py", "ask_over_kafka.py", "posting.py"}
    assert {file.name for file in EXAMPLES.glob("*.py")} == known
    for file in EXAMPLES.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert {name.partition(".")[0] for name in names} <= allowed | sys.stdlib_module_names, file.name


def test_the_example_computes_the_vector() -> None:
    """`h` of what was given in another normal form, and assertions that Renkei takes."""
    given = REQUEST["given"]
    assert posting.canonical(given["control"]).decode() == REQUEST["control"]
    assert posting.request_digest(given["control"], given["subject"], given["business"]) == REQUEST["h"]
    token = SYSTEM_OF_EXAMPLE.assert_request(given["control"], given["subject"], given["business"], AT)
    head, claims, _ = (to_bytes(part) for part in token.split("."))
    assert json.loads(claims) == json.loads(VECTOR["assertion"]["claims"])
    assert json.loads(head) == json.loads(VECTOR["assertion"]["header"])
    posted = read_request(*(REQUEST[name].encode() for name in ("control", "subject", "business")))
    check_assertion(posted, token.encode(), key, AT)
    read = SYSTEM_OF_EXAMPLE.assert_read(posted.question.id, AT)
    assert verified(read.encode(), key, AT, ReadClaims).exchange == posted.question.id


@pytest.mark.parametrize("algorithm", ["x25519", "ecdh-p256"])
def test_the_example_opens_the_answer(algorithm: str) -> None:
    """In its event; put into another one it is refused."""
    token = VECTOR["jwes"][algorithm].encode()
    assert SYSTEM_OF_EXAMPLE.open(token, EVENT) == json.loads(VECTOR["event"]["content"])
    with pytest.raises(ValueError, match="another event"):
        SYSTEM_OF_EXAMPLE.open(token, EVENT + "1")


def test_the_example_makes_ids() -> None:
    """UUIDv7, one after the other."""
    ids = [posting.uuid7() for _ in range(100)]
    assert all(one[14] == "7" and one[19] in "89ab" for one in ids)
    assert len(set(ids)) == 100


# --- The guide


def test_the_guide_prints_the_vectors_values() -> None:
    """Digest, key ids and partitions, so that a reader can follow it by hand."""
    wanted = [REQUEST["h"], *(one["kid"] for one in VECTOR["kids"]), REQUEST["business"]]
    assert [value for value in wanted if value not in GUIDE] == []
    assert all(f"`{code}` → {place}" in GUIDE for code, place in VECTOR["partitions"].items())
    lengths = [len(REQUEST[name].encode()).to_bytes(4, "big").hex(" ") for name in ("control", "subject", "business")]
    assert [length for length in lengths if f"`{length}`, then" not in GUIDE] == []
