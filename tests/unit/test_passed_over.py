"""What says of no exchange on `exchange.due` is passed over, and `renkei up` spares a service that is not ready."""

from pathlib import Path
from typing import Any, cast

import pytest

from schemas.message import Drop, Message, Position
from services.exchange import service
from services.operator.installation import Installation
from services.operator.local import process
from services.operator.local.error import InstallationError


class Finisher:
    """Ends what it is given, which here is nothing."""

    async def finish(self, candidates: list[Any]) -> list[Any]:
        assert candidates == [], "nothing that can be read was posted"
        return []


class Exchange:
    """As much of the service as the step touches."""

    finisher = Finisher()


@pytest.mark.parametrize("headers", [{}, {"control": b""}, {"control": b"{}"}, {"control": b"\xff"}])
async def test_a_record_without_a_control_part_is_passed_over(headers: dict[str, bytes]) -> None:
    """A tombstone, or what does not decode, alone on `exchange.due`: it ends at once, and stops nothing."""
    alone = Message("221309", b"", headers, Position("exchange.due", 0, 7))
    assert await service.time_out([alone], cast(Any, Exchange())) == [Drop(alone.position, "unreadable")]


def test_a_service_that_is_not_ready_is_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lives and waits: the operator hears where to look, and nothing ends it."""
    started = process.start("hub", ["/bin/sleep", "60"], {}, tmp_path)
    monkeypatch.setattr("services.operator.installation.START_SECONDS", 0)
    installation = Installation(tmp_path)
    monkeypatch.setattr(Installation, "ready", lambda *_: False)
    monkeypatch.setattr(Installation, "settings", lambda _: type("Settings", (), {"patience": 0})())
    try:
        with pytest.raises(InstallationError, match="renkei status"):
            installation.wait_ready([started])
        assert process.is_alive(started)
    finally:
        process.kill("hub", tmp_path)
