"""Root keys of agencies that another operator runs: what is handed over, and what is checked before it is enrolled."""

import json
from typing import Final

from pydantic import ValidationError

from schemas.directory import Root
from schemas.text import explained
from schemas.wire import suites
from services.operator.installation import Installation
from services.operator.keys.enrolment import read_root
from services.operator.local.files import replace_file

LIMIT: Final = 16 * 1024
"""Bytes of a file with one root."""


def root_of(installation: Installation, agency: str) -> Root:
    """Code, algorithm, public key and proof of possession of an agency whose root key is here."""
    return read_root(installation, agency).enrolled()


def enroll(installation: Installation, data: bytes) -> Root | None:
    """Adds an agency's root to those that every service is given; None if it is there already.

    Whoever could change a root could speak for its agency: another key for an agency that is enrolled is refused."""
    root = _proven(data)
    installation.prepare()
    listed = json.loads(installation.roots.read_text())
    for known in map(Root.model_validate, listed):
        if known.agency == root.agency:
            if (known.algorithm, known.key) == (root.algorithm, root.key):
                return None
            raise ValueError(
                f"agency {root.agency} is enrolled with another root. If it has really changed, ask the agency on another way, "
                f"and take the old one out of {installation.roots} by hand."
            )
    replace_file(installation.roots, json.dumps([*listed, root.model_dump(mode="json")], indent=1).encode())
    return root


def _proven(data: bytes) -> Root:
    """The root in a file; ValueError, in words for the operator, if it is none or nobody has shown to hold it."""
    if len(data) > LIMIT:
        raise ValueError(f"a root is at most {LIMIT} bytes of JSON")
    try:
        root = Root.model_validate_json(data)
    except ValidationError as error:
        raise ValueError(f"not a root: {explained(error)}") from None
    try:
        root.check()
    except suites.Unacceptable as error:
        raise ValueError(f"the root of agency {root.agency} is not to be trusted: {error}") from None
    return root
