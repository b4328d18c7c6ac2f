"""An agency's root comes from another operator with a proof, and none is enrolled that nobody has shown to hold."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from schemas.directory import Root, possession
from schemas.text import to_text
from schemas.wire import suites
from services.operator.command import app
from services.operator.installation import Installation
from services.operator.keys.enrolment import RootKey, create_keys
from services.operator.keys.roots import LIMIT, enroll, root_of
from services.runtime.directory import EnrolledRoots
from tests.vectors import verifier

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
TOKYO, OSAKA = "131016", "271004"
FIELD = 2**255 - 19
SMALL = [y + extra for y in verifier.SMALL_EDWARDS for extra in (0, FIELD) if y + extra < 2**255]
"""The y of every point whose order divides 8, in each spelling."""


@pytest.fixture
def site(tmp_path: Path) -> Installation:
    """With Tokyo's keys."""
    installation = Installation(tmp_path)
    create_keys(installation, [TOKYO], "1", NOW)
    return installation


def root(agency: str = OSAKA, algorithm: suites.Algorithm = "ed25519") -> RootKey:
    return RootKey(agency, algorithm, suites.generate(algorithm)[0])


def brought(held: RootKey, /, **changes: Any) -> bytes:
    """What the other operator hands over, with this changed in it."""
    return json.dumps({**json.loads(held.enrolled().model_dump_json()), **changes}).encode()


def enrolled(site: Installation) -> dict[str, str]:
    return {one["agency"]: one["key"] for one in json.loads(site.roots.read_text())}


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256"])
def test_what_one_operator_prints_another_enrolls(site: Installation, tmp_path: Path, algorithm: str) -> None:
    """And every service finds it; the same again changes nothing."""
    suite = {value: key for key, value in suites.SIGNATURES.items()}[algorithm]  # type: ignore[index]
    other = Installation(tmp_path / "other")
    create_keys(other, [OSAKA], suite, NOW)
    printed = root_of(other, OSAKA).model_dump_json().encode()
    assert enroll(site, printed) == root_of(other, OSAKA)
    assert enrolled(site) == enrolled(other) | {TOKYO: enrolled(site)[TOKYO]}
    assert EnrolledRoots(site.roots).get(OSAKA) == root_of(other, OSAKA)
    before = site.roots.read_bytes()
    assert enroll(site, printed) is None
    assert site.roots.read_bytes() == before


@pytest.mark.parametrize("sign", [0, 1])
@pytest.mark.parametrize("y", SMALL)
def test_a_key_of_small_order_is_refused(site: Installation, y: int, sign: int) -> None:
    """With the signature that a lax verifier takes for anything: R is the identity, s is 0."""
    weak = (y | sign << 255).to_bytes(32, "little")
    proof = bytes([1]) + bytes(63)
    data = brought(root(), key=to_text(weak), proof=to_text(proof))
    refuses(site, data, "not an Ed25519 public key of prime order")


def test_a_proof_is_of_this_agency_and_this_key(site: Installation) -> None:
    """Not of another agency, another key, another algorithm, another statement; nor is it left out or cut."""
    held, other = root(), root()
    moved = RootKey(TOKYO, "ed25519", held.private).enrolled().proof
    claimed = suites.sign(
        "ed25519", held.private, possession(OSAKA, "ecdsa-p256", suites.public_of("ed25519", held.private))
    )
    proofs = [moved, other.enrolled().proof, to_text(claimed), to_text(bytes(64)), held.enrolled().proof[:-2], ""]
    proofs.append(to_text(suites.sign("ed25519", held.private, b"anything")))
    for proof in proofs:
        refuses(site, brought(held, proof=proof), f"root of agency {OSAKA} is not to be trusted")
    refuses(site, brought(root(TOKYO), agency=OSAKA), "the signature does not hold")


def test_an_enrolled_agency_keeps_its_root(site: Installation) -> None:
    """Another key, however well proven, is for the operator to change by hand."""
    refuses(site, brought(root(TOKYO)), f"agency {TOKYO} is enrolled with another root")
    refuses(site, brought(root(TOKYO, "ecdsa-p256")), "by hand")


@pytest.mark.parametrize(
    "changes",
    [{"algorithm": "x25519"}, {"algorithm": "hmac-sha256"}, {"algorithm": "none"}, {"key": ""}, {"agency": "../x"},
     {"agency": "131016/x"}, {"extra": 1}, {"proof": None}, {"key": "A" * 20000}],
    ids=lambda changes: str(changes)[:30],
)  # fmt: skip
def test_what_is_no_root_is_refused(site: Installation, changes: dict[str, Any]) -> None:
    """Whatever is in the file, the roots stay as they are, and the error does not repeat it."""
    refuses(site, brought(root(), **changes), "root")


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b"\xff", b" " * (LIMIT + 1), b"[" * 9999], ids=lambda data: repr(data)[:20]
)
def test_what_is_no_json_of_a_root_is_refused(site: Installation, data: bytes) -> None:
    """The same."""
    refuses(site, data, "root")


def test_the_commands_print_and_enroll(site: Installation, tmp_path: Path) -> None:
    """One line of JSON out, one word in; a root that was altered on the way ends with status 2."""
    run, other = CliRunner(), tmp_path / "other"
    create_keys(Installation(other), [OSAKA], "1", NOW)
    printed = run.invoke(app, ["keys", "root", OSAKA, "--folder", str(other)]).stdout
    assert Root.model_validate_json(printed).agency == OSAKA
    file = tmp_path / "root.json"
    file.write_text(printed.replace(OSAKA, "271012"))
    assert run.invoke(app, ["keys", "enroll", str(file), "--folder", str(site.folder)]).exit_code == 2
    file.write_text(printed)
    assert (
        f"{OSAKA} is enrolled." in run.invoke(app, ["keys", "enroll", str(file), "--folder", str(site.folder)]).output
    )
    assert set(enrolled(site)) == {TOKYO, OSAKA}


def refuses(site: Installation, data: bytes, why: str) -> None:
    """And the file of roots is as it was."""
    before = site.roots.read_bytes()
    with pytest.raises(ValueError, match=why) as refused:
        enroll(site, data)
    assert site.roots.read_bytes() == before
    assert len(str(refused.value)) < 400
