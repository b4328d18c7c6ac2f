"""`renkei gen`: rewrites schemas/generated and the map in README.md. The same code gives the same bytes, so a test compares."""

import json
from pathlib import Path
from typing import Any, Final

from services.gateway.application import application
from services.operator.console import readable, screen
from services.operator.generate import asyncapi, json_schemas, service_map
from services.operator.local.jars import CHECKOUT

GENERATED: Final = CHECKOUT / "schemas" / "generated"
README: Final = CHECKOUT / "README.md"


def gen() -> None:
    """Rewrite the generated files: JSON Schemas, AsyncAPI, the gateway's OpenAPI, the map of the services in README.md."""
    with readable():
        wanted = files()
    for stale in set(GENERATED.rglob("*.json")) - wanted.keys():
        stale.unlink()
    changed = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    for path in changed:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    screen.print(f"{len(wanted)} files, {len(changed)} rewritten.")


def files() -> dict[Path, str]:
    """Every generated file with what it has to hold."""
    documents = {
        "asyncapi.json": asyncapi.document(),
        "openapi.json": openapi(),
        **json_schemas.documents(),
    }
    written = {GENERATED / name: _spelled(document) for name, document in documents.items()}
    return {**written, README: service_map.written_into(README.read_text(encoding="utf-8"))}


def openapi() -> dict[str, Any]:
    """The gateway's pages; describing them needs none of its resources."""
    described: dict[str, Any] = application(None).openapi()  # type: ignore[arg-type]
    return described


def _spelled(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
