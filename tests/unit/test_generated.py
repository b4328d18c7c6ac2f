"""The generated files are of this code, are valid by themselves, and say of real records what is true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError, validate  # type: ignore[import-untyped]

from schemas.business import AnswerPart, Days, FiscalYear, InquiryPart
from schemas.catalogue import load_catalogue
from schemas.control import Control, Item, Officer, Question
from schemas.directory import AgencyRecord, AssessmentRecord, Beat, Grant, PolicyRecord, Root
from schemas.proof import Proof
from schemas.quarantine import Quarantined
from schemas.refusal import RefusalCode, part_of
from schemas.replica import FoundPart, Registration
from schemas.request import Claims, ReadClaims
from schemas.text import Record, to_text
from schemas.trail import Finding, Trail
from schemas.wire.envelope import LIMITS
from services.operator.demo import ALLOWANCE, ASKER, ELSEWHERE, ITEM, OFFICER, YEAR
from services.operator.generate import asyncapi, json_schemas
from services.operator.generate.command import GENERATED, README, files
from services.operator.generate.json_schemas import CANONICAL, POSTED, documents
from services.operator.generate.records import CARRIED
from services.operator.samples import income_tax_certificate
from services.runtime.service import within_block
from services.topology import SERVICES, all_topics
from tests.vectors.strategies import FEW, controls, drafts
from tests.vectors.world import EDITION, EXPIRES, NOW, Draft, World

WORLD: Final = World("1", ASKER, ELSEWHERE, "generated")
ID: Final = "0193f6a8-0000-7000-8000-000000000001"
DIGEST: Final = to_text(bytes(32))
SCHEMAS: Final = documents()
CHANNELS: Final = asyncapi.document()
GRANT: Final = Grant(office="税務課", role="automatic", rows="all")
QUESTION: Final = Question(id=ID, sender=ASKER, receiver=ELSEWHERE, basis=ALLOWANCE, item=ITEM, officer=OFFICER)
ANSWER: Final = AnswerPart(outcome="records", records=[income_tax_certificate(YEAR)])
RECORDS: Final[list[tuple[str, Record]]] = [
    ("question", QUESTION),
    ("control", QUESTION.completed(NOW, EXPIRES)),
    ("inquiry_part", InquiryPart(period=FiscalYear(year=YEAR))),
    ("inquiry_part", InquiryPart(period=Days(**{"from": "2026-04-01", "to": "2027-03-31"}), condition="01")),
    ("answer_part", AnswerPart(outcome="no_data")),
    ("answer_part", ANSWER),
    ("found_part", FoundPart(automatic=False, answer=ANSWER)),
    *(("refusal_part", part_of(code, "a rule")) for code in RefusalCode),
    ("request_claims", Claims(iss=ASKER, jti=ID, office="課", role="clerk", officer="1", h=DIGEST, exp=1)),
    ("read_claims", ReadClaims(iss=ASKER, method="GET", exchange=ID, exp=1)),
    ("proof", Proof(message=DIGEST, time=NOW)),
    ("trail", Trail(findings=[Finding(layer="network", outcome="allowed", rule="submitted", edition=EDITION)])),
    ("registration", Registration(id=ID, agency=ASKER, kind="replica", item=Item(name="x", layout=1), year=YEAR)),
    ("registration", Registration(id=ID, agency=ASKER, kind="person", automatic=False)),
    ("directory_record", AgencyRecord(agency=ASKER, version=1, name="浜松市", classes=["mayor"], items=[ITEM])),
    ("directory_record", WORLD.keys["sign"].record),
    ("directory_record", WORLD.keys["sign revoked"].record),
    ("directory_record", PolicyRecord(agency=ASKER, version=2, grants=[GRANT], automatic=GRANT)),
    ("directory_record", PolicyRecord(agency=ASKER, version=3, grants=[GRANT], quota=5000)),
    ("directory_record", AssessmentRecord(agency=ASKER, version=3, rows=["57", "56-2"])),
    ("beat", Beat(edition=EDITION, time=NOW, table=DIGEST, key=DIGEST, signature=to_text(bytes(64)))),
    (
        "quarantined",
        Quarantined(
            service="routing",
            topic="inbound.asked",
            partition=3,
            offset=17,
            source="inbound.opened/3/11",
            appended=1,
            error="KeyError",
            place="routing/asking.py:71",
            attempts=3,
            time="2026-11-24T09:00:00.000Z",
        ),
    ),
    ("root", Root(agency=ASKER, algorithm="ed25519", key=DIGEST, proof=to_text(bytes(64)))),
]


def accept(schema: str, data: bytes) -> None:
    validate(json.loads(data), SCHEMAS[f"{schema}.json"], cls=Draft202012Validator)


def references(document: Any) -> Iterator[str]:
    match document:
        case {"$ref": str() as target}:
            yield target
        case dict():
            for entry in document.values():
                yield from references(entry)
        case list():
            for entry in document:
                yield from references(entry)


def resolved(document: Any, reference: str) -> Any:
    """What a reference in a document leads to; KeyError or FileNotFoundError if nowhere."""
    file, _, pointer = reference.partition("#")
    found = json.loads((GENERATED / file).read_text(encoding="utf-8")) if file else document
    for step in filter(None, pointer.split("/")):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


# --- what is committed


def test_what_is_committed_is_of_this_code() -> None:
    """`make gen` would change nothing."""
    stale = [str(path) for path, text in files().items() if not path.exists() or path.read_text("utf-8") != text]
    assert not stale, "run `make gen`"


def test_nothing_is_left_of_earlier_code() -> None:
    """Every file in the folder is made now."""
    assert {path for path in GENERATED.rglob("*") if path.is_file()} == set(files()) - {README}


def test_what_is_made_is_the_same_every_time() -> None:
    """No set's order, no clock."""
    assert files() == files()


# --- JSON Schemas


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_a_schema_is_one(name: str) -> None:
    """By its dialect's own schema; what it refers to is in it."""
    schema = SCHEMAS[name]
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    for reference in references(schema):
        assert reference.startswith("#/$defs/")
        resolved(schema, reference)


@pytest.mark.parametrize(("schema", "record"), RECORDS)
def test_a_record_fits_its_schema(schema: str, record: Record) -> None:
    """As it travels."""
    accept(schema, record.encoded())


def test_every_schema_was_shown_a_record() -> None:
    """Here or as a part of an envelope."""
    shown = {name for name, _ in RECORDS} | {"seal", "signature", "permit", "decision"}
    assert shown == {*POSTED, *CANONICAL}


@FEW
@given(drafts())
def test_an_envelope_fits_its_schemas(draft: Draft) -> None:
    """Every part, whatever is said."""
    envelope = WORLD.permit([WORLD.decide(WORLD.sign([WORLD.seal(draft)])[0])])[0]
    for part in ("control", "seal", "signature", "permit"):
        accept(part, getattr(envelope, part))
    accept("decision", envelope.permits.decision.encoded())


@FEW
@given(controls(), st.sampled_from(sorted(Control.model_fields)))
def test_a_schema_asks_for_what_a_reader_asks_for(control: Control, name: str) -> None:
    """A field may be absent exactly if it has no value to be spelled; null is never one."""
    said = json.loads(control.encoded())
    with pytest.raises(ValidationError):
        accept("control", json.dumps({**said, name: None}).encode())
    without = json.dumps({key: value for key, value in said.items() if key != name}).encode()
    if Control.model_fields[name].is_required() or Control.model_fields[name].default is not None:
        with pytest.raises(ValidationError):
            accept("control", without)
    else:
        accept("control", without)


@pytest.mark.parametrize(("schema", "record"), RECORDS)
def test_a_schema_knows_every_field(schema: str, record: Record) -> None:
    """Another one is refused, as the reader refuses it; claims of a JWT may have others (RFC 7519 section 4)."""
    if schema.endswith("_claims"):
        accept(schema, json.dumps({**json.loads(record.encoded()), "aud": ["renkei"], "iat": 1.5}).encode())
        return
    with pytest.raises(ValidationError):
        accept(schema, json.dumps({**json.loads(record.encoded()), "another": 1}).encode())


def test_no_schema_has_a_word_of_another_language() -> None:
    """`discriminator` is of OpenAPI: a validator in strict mode refuses a JSON Schema that has it."""
    for path, text in files().items():
        if path.suffix == ".json" and path.name != "openapi.json":
            assert '"discriminator"' not in text


def test_every_schema_has_an_id_of_its_own() -> None:
    """By which other schemas refer to it, wherever its file lies."""
    ids = [document["$id"] for document in json_schemas.documents().values()]
    assert len(set(ids)) == len(ids)
    assert all(one.startswith("urn:renkei:schema:") for one in ids)


def test_what_is_posted_may_leave_defaults_out() -> None:
    """The basis of a question is 別表第二 where it does not say otherwise; of a control part it always says."""
    posted = json.loads(QUESTION.encoded())
    del posted["basis"]["source"]
    accept("question", json.dumps(posted).encode())
    with pytest.raises(ValidationError):
        accept("control", json.dumps({**json.loads(QUESTION.completed(NOW, EXPIRES).encoded()), **posted}).encode())


@pytest.mark.parametrize("spelling", ["2026-11-24T09:00:00Z", "2026-11-24T24:00:00.000Z", "2026-11-24 09:00:00.000Z"])
def test_an_instant_has_one_spelling(spelling: str) -> None:
    """In the schema as for the reader."""
    said = {**json.loads(QUESTION.completed(NOW, EXPIRES).encoded()), "created": spelling}
    with pytest.raises(ValidationError):
        accept("control", json.dumps(said).encode())


def test_every_item_of_the_catalogue_has_a_schema() -> None:
    """With its layout version in the name."""
    names = {f"items/{item.name}-{item.layout}.json" for item in load_catalogue().items.values()}
    assert names == {name for name in SCHEMAS if name.startswith("items/")}
    validate(income_tax_certificate(YEAR), SCHEMAS["items/income_tax_certificate-1.json"], cls=Draft202012Validator)


# --- AsyncAPI


def test_every_reference_leads_somewhere() -> None:
    """Inside the document, or into a file beside it."""
    found = list(references(CHANNELS))
    assert any(reference.startswith("#") for reference in found)
    assert any(reference.startswith("control.json") for reference in found)
    for reference in found:
        resolved(CHANNELS, reference)


def test_channels_are_the_topics() -> None:
    """All of them, and what their records carry is written down for each."""
    assert list(CHANNELS["channels"]) == [topic.name for topic in all_topics()]
    assert set(CARRIED) == set(all_topics())
    for topic in all_topics():
        kafka = CHANNELS["channels"][topic.name]["bindings"]["kafka"]
        assert (kafka["topic"], kafka["partitions"]) == (topic.name, topic.partitions)
        assert kafka["topicConfiguration"]["cleanup.policy"] == ["compact" if topic.compacted else "delete"]


def test_operations_are_the_topology() -> None:
    """Who receives and who sends, in which consumer group, and nothing else."""
    expected = {
        *(("receive", service.name, topic.name) for service in SERVICES for topic in service.reads),
        *(("send", service.name, topic.name) for service in SERVICES for topic in service.writes),
    }
    operations = CHANNELS["operations"]
    prefix = "#/channels/"
    found = {
        (one["action"], one["tags"][0]["name"], one["channel"]["$ref"].removeprefix(prefix))
        for one in operations.values()
    }
    assert found == expected
    assert len(operations) == len(expected)
    groups = {one["bindings"]["kafka"]["groupId"]["const"] for one in operations.values() if "bindings" in one}
    assert groups == {service.group(topic) for service in SERVICES for topic in service.reads}


def test_an_operation_is_about_messages_of_its_channel() -> None:
    """AsyncAPI 3.0, Operation Object: `messages` is a part of the channel's."""
    for operation in CHANNELS["operations"].values():
        channel = operation["channel"]["$ref"]
        assert operation["messages"]
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def test_messages_have_names_of_their_own() -> None:
    """One component each."""
    names = [carried.name for some in CARRIED.values() for carried in some]
    assert len(set(names)) == len(names) == len(CHANNELS["components"]["messages"])


@pytest.mark.parametrize("message", CHANNELS["components"]["messages"].values(), ids=lambda one: str(one["name"]))
def test_headers_and_value_have_valid_schemas(message: dict[str, Any]) -> None:
    """JSON Schema 2020-12, which the message names as its format."""
    for part in ("headers", "payload"):
        assert message[part]["schemaFormat"] == asyncapi.DIALECT
        Draft202012Validator.check_schema(message[part]["schema"])
    Draft202012Validator.check_schema(message["bindings"]["kafka"]["key"])


def test_source_is_said_inside_a_block_alone() -> None:
    """Nothing of a block's own leaves it."""
    for topic in all_topics():
        for carried in CARRIED[topic]:
            headers = CHANNELS["components"]["messages"][carried.name]["headers"]["schema"]
            assert ("source" in headers["required"]) == (within_block(topic, SERVICES) and not carried.ticked)


def test_what_travels_is_described_whole() -> None:
    """A permitted envelope's headers are exactly those that are named for the network's topics."""
    schema = CHANNELS["components"]["messages"]["delivered"]["headers"]["schema"]
    assert set(schema["properties"]) == {*LIMITS, "traceparent"}


# --- OpenAPI


def test_the_gateway_has_three_pages() -> None:
    """Post an inquiry, see how far it is, fetch the answer; and what they refer to is there."""
    document = json.loads((GENERATED / "openapi.json").read_text(encoding="utf-8"))
    assert {(path, *methods) for path, methods in document["paths"].items()} == {
        ("/v1/inquiries", "post"),
        ("/v1/exchanges/{exchange}", "get"),
        ("/v1/exchanges/{exchange}/answer", "get"),
    }
    for reference in references(document):
        resolved(document, reference)


def test_an_officer_is_described_like_everywhere() -> None:
    """A schema that is used in two documents is the same in both."""
    assert SCHEMAS["question.json"]["$defs"]["Officer"] == SCHEMAS["control.json"]["$defs"]["Officer"]
    assert set(SCHEMAS["control.json"]["$defs"]["Officer"]["properties"]) == set(Officer.model_fields)


def test_files_are_where_the_documents_say() -> None:
    """Below schemas/generated, and the README."""
    assert all(path == README or path.is_relative_to(GENERATED) for path in files())
    assert Path(__file__).resolve().parents[2] / "README.md" == README
