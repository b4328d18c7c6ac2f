"""What the directory says of agencies: each record in one spelling, signed by the right root, and judged by simple rules."""

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import canonical
from schemas.control import Basis, Officer
from schemas.directory import (
    HUB,
    RECORDS,
    AgencyRecord,
    AnyRecord,
    AssessmentRecord,
    Beat,
    Grant,
    KeyRecord,
    PolicyRecord,
    Purpose,
    Root,
    beaten,
    key_id,
    place,
    possession,
    signed_record,
    signer_of,
)
from schemas.text import to_bytes, to_text
from schemas.wire import suites
from schemas.wire.suites import Algorithm, Unacceptable
from tests.vectors import verifier
from tests.vectors.strategies import FEW, MANY, agencies, digests, instants, items, labels, names, officers, rows

PURPOSES: Final[list[Purpose]] = ["root", "sign", "wrap", "permit", "salt", "data", "log", "assertion"]
ROOT_KEY: Final = bytes(range(32))

versions = st.integers(1, 2**53 - 1)
some_rows = st.just("all") | st.lists(rows, max_size=4)
grants = st.builds(Grant, office=labels, role=names, rows=some_rows)
records: st.SearchStrategy[AnyRecord] = st.one_of(
    st.builds(
        AgencyRecord,
        agency=agencies,
        version=versions,
        name=labels,
        classes=st.lists(names, max_size=3),
        items=st.lists(items, max_size=3),
        reads=st.lists(st.integers(1, 9), max_size=3),
    ),
    st.builds(
        KeyRecord,
        agency=agencies,
        version=versions,
        kid=digests,
        purpose=st.sampled_from(PURPOSES),
        algorithm=st.sampled_from(["ed25519", "ecdsa-p256", "x25519", "ecdh-p256"]),
        key=st.binary(max_size=65).map(to_text),
        starts=instants,
        until=instants,
        revoked=st.none() | instants,
    ),
    st.builds(
        KeyRecord,
        agency=agencies,
        version=versions,
        kid=digests,
        purpose=st.just("answer"),
        algorithm=st.sampled_from(["x25519", "ecdh-p256"]),
        key=st.binary(max_size=65).map(to_text),
        starts=instants,
        until=instants,
        system=st.none()
        | st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True).filter(lambda name: name != "default"),
    ),
    st.builds(
        PolicyRecord,
        agency=agencies,
        version=versions,
        grants=st.lists(grants, max_size=3),
        automatic=st.none() | grants,
    ),
    st.builds(AssessmentRecord, agency=agencies, version=versions, rows=some_rows),
)


def key_record(**changed: object) -> KeyRecord:
    public = suites.public_of("ed25519", bytes(32))
    entries: dict[str, object] = {
        "agency": "221309",
        "version": 1,
        "kid": key_id("221309", "sign", "ed25519", public),
        "purpose": "sign",
        "algorithm": "ed25519",
        "key": to_text(public),
        "from": "2026-11-01T00:00:00.000Z",
        "until": "2026-12-01T00:00:00.000Z",
    }
    return KeyRecord.model_validate(entries | changed)


# — spelling and signing


@MANY
@given(records)
def test_a_record_survives_its_bytes(record: AnyRecord) -> None:
    """Read by its type, it is the same record and the same bytes."""
    assert RECORDS.validate_json(record.encoded()) == record
    assert canonical.encode(json.loads(record.encoded())) == record.encoded()


@MANY
@given(records)
def test_what_a_record_does_not_know_it_refuses(record: AnyRecord) -> None:
    """No field too many, none too few but the optional ones, no type that nobody defined."""
    entries = json.loads(record.encoded())
    optional = {"revoked", "automatic", "type", "reads", "system"}
    wrong = [entries | {"x": 1}, entries | {"type": "other"}, entries | {"version": -1}, entries | {"version": True}]
    wrong += [{key: value for key, value in entries.items() if key != name} for name in entries.keys() - optional]
    for each in wrong:
        with pytest.raises(ValidationError):
            RECORDS.validate_json(canonical.encode(each))


@MANY
@given(st.binary() | records.map(lambda record: record.encoded()[:-1]))
def test_anything_else_is_no_record(data: bytes) -> None:
    """One error, which does not repeat what came."""
    with pytest.raises(ValidationError):
        RECORDS.validate_json(data)


@FEW
@given(records, st.sampled_from(["ed25519", "ecdsa-p256"]), st.integers(0))
def test_a_root_signs_type_and_bytes(record: AnyRecord, algorithm: Algorithm, bit: int) -> None:
    """What was signed for one type or content is no signature of another."""
    data = record.encoded()
    public = suites.public_of(algorithm, ROOT_KEY)
    signature = suites.sign(algorithm, ROOT_KEY, signed_record(record.type, data))
    suites.verify(algorithm, public, verifier.frame("renkei/record/1", record.type, data), signature)
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    for other in (signed_record("other", data), signed_record(record.type, bytes(changed)), data):
        with pytest.raises(Unacceptable):
            suites.verify(algorithm, public, other, signature)


def test_the_second_verifier_takes_a_signed_key_record() -> None:
    """With and without its revocation, by the root of its own agency only."""
    root = {"agency": "221309", "algorithm": "ed25519", "key": to_text(suites.public_of("ed25519", ROOT_KEY))}
    for record in (key_record(), key_record(version=2, revoked="2026-11-20T00:00:00.000Z")):
        data = record.encoded()
        signature = suites.sign("ed25519", ROOT_KEY, signed_record("key", data))
        assert verifier.verify_key_record(data, signature, root) == json.loads(data)
        with pytest.raises(verifier.Invalid):
            verifier.verify_key_record(data, signature, root | {"agency": "401307"})


def test_records_have_a_place_of_their_own() -> None:
    """Every kid is kept; of the rest, the latest version of each agency's."""
    agency = AgencyRecord(agency="221309", version=1, name="浜松市", classes=["mayor"], items=[])
    policy = PolicyRecord(agency="221309", version=1, grants=[])
    assessment = AssessmentRecord(agency="221309", version=1, rows="all")
    other = key_record(kid=to_text(bytes(32)))
    places = [place(record) for record in (agency, policy, assessment, key_record(), other)]
    assert len(set(places)) == 5
    assert place(key_record(version=2, revoked="2026-11-20T00:00:00.000Z")) == place(key_record())
    assert place(policy.model_copy(update={"version": 2})) == place(policy)


def test_an_agency_signs_its_own_records_and_the_hub_its_assessment() -> None:
    """Nobody attests to having met a duty himself."""
    assert signer_of(key_record()) == "221309"
    assert signer_of(PolicyRecord(agency="221309", version=1, grants=[])) == "221309"
    assert signer_of(AssessmentRecord(agency="221309", version=1, rows=[])) == HUB


# — keys


@MANY
@given(agencies, st.sampled_from(PURPOSES), st.sampled_from(["ed25519", "x25519"]), st.binary(max_size=65))
def test_a_key_id_follows_from_owner_purpose_algorithm_and_key(
    agency: str, purpose: Purpose, algorithm: str, public: bytes
) -> None:
    """As the second verifier computes it; another of any of them is another kid."""
    kid = key_id(agency, purpose, algorithm, public)
    assert to_bytes(kid) == verifier.key_id(agency, purpose, algorithm, public)
    others = {
        key_id(agency + "0", purpose, algorithm, public),
        key_id(agency, "x" + purpose, algorithm, public),
        key_id(agency, purpose, algorithm + "x", public),
        key_id(agency, purpose, algorithm, public + b"\0"),
        key_id(agency, purpose + algorithm, "", public),
    }
    assert kid not in others


@MANY
@given(instants, instants, instants)
def test_a_key_is_valid_from_its_first_instant_until_before_its_last(starts: str, until: str, at: str) -> None:
    """And never once it is revoked, whatever the time: a revocation holds on arrival."""
    record = key_record(**{"from": starts, "until": until})
    assert record.valid(at) == (starts <= at < until)
    assert not record.model_copy(update={"revoked": "9999-12-31T23:59:59.999Z"}).valid(at)


def test_a_key_is_valid_at_its_edges() -> None:
    """The first instant counts, the last does not."""
    record = key_record()
    assert record.valid("2026-11-01T00:00:00.000Z")
    assert record.valid("2026-11-30T23:59:59.999Z")
    assert not record.valid("2026-10-31T23:59:59.999Z")
    assert not record.valid("2026-12-01T00:00:00.000Z")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("purpose", "encrypt"),
        ("algorithm", "rsa"),
        ("kid", ""),
        ("key", "AA=="),
        ("from", "2026-11-01"),
        ("revoked", True),
    ],
)
def test_a_key_record_has_its_form(field: str, value: object) -> None:
    """One of the purposes, an algorithm of the suites, times in their spelling."""
    with pytest.raises(ValidationError):
        key_record(**{field: value})


# — enrolled roots


def root(algorithm: Algorithm, public: bytes, proof: bytes) -> Root:
    return Root(agency="221309", algorithm=algorithm, key=to_text(public), proof=to_text(proof))


@pytest.mark.parametrize("algorithm", ["ed25519", "ecdsa-p256"])
def test_a_root_is_enrolled_by_who_holds_it(algorithm: Algorithm) -> None:
    """A proof of possession is for one agency, one algorithm and one key, and nobody else's."""
    public = suites.public_of(algorithm, ROOT_KEY)
    proof = suites.sign(algorithm, ROOT_KEY, possession("221309", algorithm, public))
    root(algorithm, public, proof).check()
    strangers = suites.sign(algorithm, bytes([1]) * 32, possession("221309", algorithm, public))
    others = suites.sign(algorithm, ROOT_KEY, possession("401307", algorithm, public))
    for wrong in (strangers, others, b"", bytes(64), proof[:-1]):
        with pytest.raises(Unacceptable):
            root(algorithm, public, wrong).check()


@pytest.mark.parametrize("y", [0, 1, 2**255 - 20])
def test_a_root_of_small_order_is_refused(y: int) -> None:
    """Anybody could prove to hold it."""
    for proof in (bytes(64), (1).to_bytes(32, "little") + bytes(32)):
        with pytest.raises(Unacceptable):
            root("ed25519", y.to_bytes(32, "little"), proof).check()


@MANY
@given(
    st.sampled_from(["ed25519", "ecdsa-p256", "x25519", "ecdh-p256", "aes-256"]),
    st.binary(max_size=66),
    st.binary(max_size=66),
)
def test_any_other_root_is_unacceptable(algorithm: Algorithm, public: bytes, proof: bytes) -> None:
    """Of whatever length and algorithm: no other exception."""
    with pytest.raises(Unacceptable):
        root(algorithm, public, proof).check()


def test_a_beat_signs_edition_time_and_table() -> None:
    """So that nobody else moves the edition, or keeps a table open that is cut off or not the hub's."""
    beat = Beat(
        edition=7, time="2026-11-24T09:00:00.000Z", table=to_text(bytes(32)), key=to_text(bytes(32)), signature=""
    )
    assert beat.signed() == beaten(7, beat.time, beat.table)
    assert beat.signed() == verifier.frame("renkei/beat/2", 7, beat.time, beat.table)
    for change in ({"edition": 8}, {"table": to_text(bytes([1]) * 32)}):
        assert beat.signed() != beat.model_copy(update=change).signed()


# — check policy, assessment, items


@MANY
@given(st.lists(grants, max_size=4), officers, rows)
def test_a_policy_allows_what_it_grants_to_office_and_role(granted: list[Grant], officer: Officer, row: str) -> None:
    """Both must fit one grant, and the row must be in it, or `all`."""
    basis = Basis(edition="2015-12-27", row=row, branch=1)
    policy = PolicyRecord(agency="221309", version=1, grants=granted)
    own = [grant for grant in granted if grant.office == officer.office and grant.role == officer.role]
    assert policy.allows(officer, basis) == any(grant.rows == "all" or row in grant.rows for grant in own)
    for allowed in ("all", [row]):
        grant = Grant(office=officer.office, role=officer.role, rows=allowed)
        assert policy.model_copy(update={"grants": [*granted, grant]}).allows(officer, basis)


@pytest.mark.parametrize("change", ["office", "role"])
def test_half_a_grant_is_none(change: str) -> None:
    """The role in another office, and another role in the office, may nothing."""
    officer = Officer(office="市民税課", role="tax_clerk", staff="s-0101")
    grant = Grant(office=officer.office, role=officer.role, rows="all").model_copy(update={change: "other"})
    policy = PolicyRecord(agency="221309", version=1, grants=[grant])
    assert not policy.allows(officer, Basis(edition="2015-12-27", row="27", branch=4))


def test_automatic_answers_need_a_registered_role() -> None:
    """`auto` is judged by the role of automatic answers alone, and that role is no officer's."""
    basis, other = (Basis(edition="2015-12-27", row=row, branch=4) for row in ("27", "28"))
    automatic = Grant(office="自動応答", role="automatic", rows=["27"])
    officer = Officer(office=automatic.office, role=automatic.role, staff="s-0101")
    policy = PolicyRecord(agency="221309", version=1, grants=[], automatic=automatic)
    assert policy.allows("auto", basis)
    assert not policy.allows("auto", other)
    assert not policy.allows(officer, basis)
    without = PolicyRecord(agency="221309", version=1, grants=[automatic])
    assert not without.allows("auto", basis)


def test_a_policy_without_a_quota_is_spelled_as_before() -> None:
    """So that records that were signed earlier stay what they are; a quota is a whole number from nothing on."""
    policy = PolicyRecord(agency="221309", version=1, grants=[])
    assert b"quota" not in policy.encoded()
    for wrong in (-1, 1.5, "5"):
        with pytest.raises(ValidationError):
            PolicyRecord.model_validate({"agency": "221309", "version": 1, "grants": [], "quota": wrong})


@MANY
@given(st.lists(rows, max_size=4), rows)
def test_an_assessment_covers_the_rows_that_it_lists(listed: list[str], row: str) -> None:
    """Or all of them."""
    assert AssessmentRecord(agency="221309", version=1, rows=listed).covers(row) == (row in listed)
    assert AssessmentRecord(agency="221309", version=1, rows="all").covers(row)


def test_an_agency_provides_items_in_their_layout() -> None:
    """Another layout version is another item."""
    item: dict[str, Any] = {"name": "income_tax_certificate", "layout": 1}
    record = AgencyRecord.model_validate(
        {"agency": "221309", "version": 1, "name": "浜松市", "classes": ["mayor"], "items": [item]}
    )
    provided = record.items[0]
    assert record.provides(provided)
    assert not record.provides(provided.model_copy(update={"layout": 2}))
    assert not record.provides(provided.model_copy(update={"name": "other"}))
