"""The README's examples, run exactly as they are printed; and the records that they leave, against the generated documents."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft202012Validator, validate  # type: ignore[import-untyped]

from schemas import topics
from schemas.message import Message
from schemas.request import Posted
from services.operator import answers, asking
from services.operator.demo import ALLOWANCE, ASKER, ITEM, NEIGHBOUR, OFFICER, YEAR
from services.operator.demo.bypassing import open_alone, publish
from services.operator.generate import asyncapi
from services.operator.generate.command import GENERATED, README
from services.operator.generate.records import BYTES
from services.operator.installation import Installation
from services.operator.local import postgres, process
from services.operator.samples import AMOUNT
from services.operator.tables import at_rest
from services.runtime.kafka.scan import scan
from services.topology import all_topics
from tests.site import run_out

BLOCK: Final = re.compile(r"(?ms)^```(?:sh|python)\n# ([a-z_]+\.(?:sh|py))\n.*?^```$")
CHANNELS: Final = asyncapi.document()
SECONDS: Final = 300
STRICT: Final = {"PYTHONWARNINGS": "error"}


def printed(name: str) -> str:
    """The README's block that begins with this file's name."""
    blocks = {match[1]: match[0] for match in BLOCK.finditer(README.read_text(encoding="utf-8"))}
    return "\n".join(blocks[name].splitlines()[1:-1]) + "\n"


class Checkout:
    """A folder in which the examples run, with the command of this environment on the path and nothing else set."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installation = Installation(folder / ".renkei")
        self.said: dict[str, str] = {}
        """What each of the README's files printed."""

    def run(self, name: str, *command: str, **told: str) -> str:
        """Writes the block into its file, and runs that."""
        (self.folder / name).write_text(printed(name), encoding="utf-8")
        self.said[name] = self.call(*command, name, **told)
        return self.said[name]

    def call(self, *command: str, **told: str) -> str:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("RENKEI_", "PYTEST"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**kept, "PATH": path, "COLUMNS": "120", **told},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    """With the installation that `prepare.sh` leaves running; an ordinary account can pass through, for PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="renkei-readme-"))
    folder.chmod(0o711)
    found = Checkout(folder)
    shutil.copytree(README.parent / "docs", folder / "docs")
    try:
        found.run("prepare.sh", "bash", "-eu")
        yield found
    finally:
        for one in process.running(found.installation.folder):
            process.kill(one.name, one.folder)
        postgres.remove(postgres.PostgresSettings(found.installation.folder))
        shutil.rmtree(folder)


def test_an_installation_is_prepared_and_answers(checkout: Checkout) -> None:
    """Every command of the README does its work, down to an answer."""
    assert "Running. Gateway: http://127.0.0.1:" in checkout.said["prepare.sh"]
    assert str(AMOUNT) in checkout.said["prepare.sh"]


def test_a_business_system_asks_over_http(checkout: Checkout) -> None:
    """Posted, accepted, answered, read."""
    said = checkout.run("ask_over_http.sh", "bash", "-eu", **STRICT).splitlines()
    assert re.fullmatch(r"202 /v1/exchanges/[0-9a-f-]{36}", said[0])
    assert said[1] == f"answered records {AMOUNT}"


def test_a_business_system_asks_over_kafka(checkout: Checkout) -> None:
    """Written to one topic, read from another, opened with the posting system's own key."""
    assert checkout.run("ask_over_kafka.sh", "bash", "-eu", **STRICT) == f"renkei.exchange.answered records {AMOUNT}\n"


async def test_every_record_is_as_the_documents_say(checkout: Checkout) -> None:
    """On every topic: key, headers, what is in them, and the value, opened where it is sealed at rest."""
    site = checkout.installation
    assert await ask(site, year=1999) == "no_data"
    assert await ask(site, branch=1) == "not_in_law_table"
    await publish(site, [(topics.outbound_composed, NONSENSE)])  # no step can do that
    assert await ask(site) == "records"
    overdue = await open_alone(site, inquiry())
    run_out(site, overdue.id)
    assert (await asking.wait(site, ASKER, overdue.id, 30)).outcome == "timed_out"
    for topic in all_topics():
        records = await scan(site.kafka(), topic)
        assert records, f"nothing on {topic}"
        for record in (one for one in records if one.value != NONSENSE.value):
            described(site, topic.name, record)


def inquiry(branch: int = 2, year: int = YEAR) -> Posted:
    """About the README's person."""
    basis = ALLOWANCE.model_copy(update={"branch": branch})
    return asking.inquiry(ASKER, NEIGHBOUR, "SYN0000001", basis, ITEM, OFFICER, year)


async def ask(site: Installation, branch: int = 2, year: int = YEAR) -> str:
    """How an inquiry about the README's person ends."""
    posted = inquiry(branch, year)
    (await asking.post_http(site, posted)).raise_for_status()
    return (await asking.wait(site, ASKER, posted.question.id, 30)).outcome


NONSENSE: Final = Message(ASKER, b"x", {})


def described(site: Installation, topic: str, record: Message) -> None:
    """One of the channel's messages describes the record; else the error says what is wrong."""
    names = CHANNELS["channels"][topic]["messages"]
    wanted = [CHANNELS["components"]["messages"][name] for name in names]
    message = next(one for one in wanted if Draft202012Validator(one["bindings"]["kafka"]["key"]).is_valid(record.key))
    schema = message["headers"]["schema"]
    validate({name: _text(schema, name, data) for name, data in record.headers.items()}, schema)
    for name, data in record.headers.items():
        if content := schema["properties"].get(name, {}).get("contentSchema"):
            _holds(content["$ref"], data)
    value = message["payload"]["schema"]
    if "$ref" in value:
        _holds(value["$ref"], record.value)
    elif "sealed" in record.headers:
        _one_of(value.get("x-opened", []), at_rest(site).open(record, "value"))
    elif topic == topics.exchange_completed.name:
        event = answers.opened(site, record)
        parts = value["x-opened"][0]["properties"]
        _holds(parts["control"]["$ref"], event.control)
        _one_of(parts["business"]["oneOf"], event.business)
    else:
        validate(record.value.decode("latin-1"), value)


def _text(schema: dict[str, Any], name: str, data: bytes) -> str:
    """A header as the schema sees it: bytes that are no text as one character each."""
    binary = schema["properties"].get(name, {}).get("contentMediaType") == BYTES
    return data.decode("latin-1") if binary else data.decode()


def _holds(file: str, data: bytes) -> None:
    validate(json.loads(data), json.loads((GENERATED / file).read_text(encoding="utf-8")), cls=Draft202012Validator)


def _one_of(references: list[dict[str, str]], data: bytes) -> None:
    """What was sealed: one of these, or the records of an item, which no file describes as a list."""
    files = [json.loads((GENERATED / one["$ref"]).read_text(encoding="utf-8")) for one in references]
    item = json.loads((GENERATED / "items" / "income_tax_certificate-1.json").read_text(encoding="utf-8"))
    schemas = files or [{"type": "array", "items": item}]
    assert any(Draft202012Validator(schema).is_valid(json.loads(data)) for schema in schemas)
