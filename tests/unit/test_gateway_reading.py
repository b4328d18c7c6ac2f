"""An agency is shown its own exchanges, and cannot tell another's from none."""

from typing import Any, Final

import httpx
import pytest

from services.gateway import examples
from tests.gateway import ASKER, BESIDE, NEIGHBOUR, World, is_problem, reading

ROW: Final[dict[str, Any]] = {
    "agency": ASKER,
    "state": "open",
    "created": examples.PROGRESS["created"],
    "expires": examples.PROGRESS["expires"],
    "completed": None,
    "control": None,
    "value": None,
    "sealed": None,
}


@pytest.mark.parametrize("page", ["", "/answer"])
async def test_anothers_exchange_is_like_none(page: str) -> None:
    """To the byte, headers included."""
    world = World()
    world.tables.progress = {(ASKER, examples.ID): ROW}
    unknown = "019ab1c2-0000-7000-8000-000000000009"
    responses = [await world.read(id_, reading(id_, NEIGHBOUR), page) for id_ in (examples.ID, unknown)]
    for response in responses:
        is_problem(response, 404, "unknown_exchange")
        assert "retry-after" in response.headers
    seen: list[Any] = [(r.status_code, r.content, r.headers) for r in responses]
    assert seen[0] == seen[1]


@pytest.mark.parametrize("page", ["", "/answer"])
async def test_another_systems_exchange_is_like_none(page: str) -> None:
    """To the byte, though it is of the same agency."""
    world = World()
    world.tables.progress = {(ASKER, examples.ID): ROW}
    unknown = "019ab1c2-0000-7000-8000-000000000009"
    responses = [await world.read(id_, reading(id_, by=BESIDE), page) for id_ in (examples.ID, unknown)]
    is_problem(responses[0], 404, "unknown_exchange")
    seen: list[Any] = [(r.status_code, r.content, r.headers) for r in responses]
    assert seen[0] == seen[1]
    assert (await world.read(examples.ID, reading(examples.ID))).status_code == httpx.codes.OK


async def test_an_open_exchange_is_waiting() -> None:
    """It has a page, and no answer yet."""
    world = World()
    world.tables.progress = {(ASKER, examples.ID): ROW}
    said = (await world.read(examples.ID, reading(examples.ID))).json()
    assert said["state"] == "waiting"
    assert "completed" not in said
    response = await world.read(examples.ID, reading(examples.ID), "/answer")
    is_problem(response, 404, "no_answer_yet")
    assert "retry-after" in response.headers


@pytest.mark.parametrize("page", ["", "/answer"])
@pytest.mark.parametrize("wrong", ["away", "silent"])
async def test_without_the_database_nothing_is_shown(wrong: str, page: str) -> None:
    """503, and when to ask again."""
    world = World(database_seconds=0.05)
    setattr(world.tables, wrong, True)
    response: httpx.Response = await world.read(examples.ID, reading(examples.ID), page)
    is_problem(response, 503, "unavailable")
    assert "retry-after" in response.headers
