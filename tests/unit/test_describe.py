"""What an operator says of an agency becomes its directory records."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from schemas.control import Item
from schemas.directory import HUB, AgencyRecord, Hours
from schemas.text import to_bytes
from services.operator import publication
from services.operator.administration import hours_of
from services.operator.installation import Installation
from services.operator.keys import enrolment

TOKYO = "131016"


def test_hours_are_days_and_times() -> None:
    """As the command takes them; nothing is: at any time."""
    office = hours_of("mon,tue,wed,thu,fri:08:30-17:15")
    assert office == Hours(days=["mon", "tue", "wed", "thu", "fri"], starts="08:30", until="17:15")
    assert hours_of("") is None


@pytest.mark.parametrize(
    "text", ["mon", "mon:8:30-17:15", "mon:17:15-08:30", "holiday:08:30-17:15", ":08:30-17:15", "mon:-"]
)
def test_other_hours_are_refused(text: str) -> None:
    """Before anything is signed."""
    with pytest.raises(ValueError, match="such as mon"):
        hours_of(text)


def test_hours_stand_in_the_agencys_record(tmp_path: Path) -> None:
    """Under a version of their own when they change, since another text under the same version counts for nothing."""
    installation = Installation(tmp_path)
    enrolment.create_keys(installation, [HUB, TOKYO], "1", datetime.now(UTC))
    described = []
    for text in ("", "mon:08:30-17:15", "mon:08:30-17:15"):
        item = Item(name="income_tax_certificate", layout=1)
        publication.describe(installation, [TOKYO], [item], [], None, hours=hours_of(text))
        kept = json.loads((installation.records / f"agency_{TOKYO}").read_text())
        described.append(AgencyRecord.model_validate_json(to_bytes(kept["record"])))
    assert [one.version for one in described] == [1, 2, 2]
    assert [one.hours is None for one in described] == [True, False, False]
