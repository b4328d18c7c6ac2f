"""A message that cannot be done is set aside, once another of its batch shows that it is not the code (architecture 4)."""

import asyncio
import gc
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.message import Message, Position
from services.runtime.attempts import LEFT, LONGEST, SOMEBODY, Note, parse, somebody_new
from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.logging import Failure
from services.runtime.trial import ATTEMPTS, KILLED, Aside, Stuck, Trial


def batch(count: int) -> list[Message]:
    return [Message("131016", b"%d" % number, {}, Position("entering", 0, number)) for number in range(count)]


@dataclass
class World:
    """What messages do when they are tried, and what became of them."""

    failing: set[int] = field(default_factory=set)
    away: int = 0
    """So many attempts meet a database that is away."""
    company: bool = False
    tried: list[int] = field(default_factory=list)
    set_aside: list[int] = field(default_factory=list)
    reasons: list[Failure] = field(default_factory=list)
    done: list[int] = field(default_factory=list)
    noted: list[dict[int, int]] = field(default_factory=list)

    def trial(self, known: dict[int, int] | None = None) -> Trial:
        attempts = {Position("entering", 0, offset): count for offset, count in (known or {}).items()}
        return Trial(self.note, self.finish, lambda: self.company, attempts)

    async def run(self, trial: Trial, messages: Sequence[Message]) -> None:
        await trial.run(messages, self.attempt, self.aside)

    async def attempt(self, message: Message) -> None:
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        self.tried.append(message.position.offset)
        if message.position.offset in self.failing:
            raise KeyError("太郎")

    async def aside(self, failed: Sequence[Aside]) -> None:
        self.set_aside += [message.position.offset for message, _ in failed]
        self.reasons += [why for _, why in failed]

    async def note(self, attempts: Mapping[Position, int]) -> None:
        self.noted.append({position.offset: count for position, count in attempts.items()})

    def finish(self, messages: Sequence[Message]) -> None:
        self.done += [message.position.offset for message in messages]


async def test_a_message_is_set_aside_after_three_attempts() -> None:
    """The others of the batch are done, in their order, each once."""
    world = World({2})
    await world.run(world.trial(), batch(5))
    assert world.tried == [0, 1, 2, 2, 2, 3, 4]
    assert (world.set_aside, [why.error for why in world.reasons]) == ([2], ["KeyError"])
    assert world.done == [0, 1, 2, 3, 4]


async def test_the_first_of_a_batch_waits_for_another_to_be_done() -> None:
    """Until one can be done nobody knows whose fault it is; then what failed is set aside before that one counts as done."""
    world = World({0, 1})
    await world.run(world.trial(), batch(3))
    assert world.tried == [0, 0, 0, 1, 1, 1, 2]
    assert world.set_aside == [0, 1]


async def test_nothing_counts_as_done_before_what_failed_is_set_aside() -> None:
    """Else its offset would be committed, and a crash would lose what stands before it."""
    world, away = World({0}), True

    async def aside(failed: Sequence[Aside]) -> None:
        nonlocal away
        if away:
            away = False
            raise Unavailable("quarantine")
        await world.aside(failed)

    trial = world.trial()
    with pytest.raises(Unavailable, match="quarantine"):
        await trial.run(batch(2), world.attempt, aside)
    assert world.done == []
    await trial.run(batch(2), world.attempt, aside)
    assert (world.set_aside, world.done, world.tried) == ([0], [], [0, 0, 0, 1])


@pytest.mark.parametrize("count", [1, 5, 200])
async def test_where_nothing_can_be_done_nothing_is_set_aside(count: int) -> None:
    """A bad deployment does not empty a topic into quarantine; from the second time on only the first is tried again."""
    world = World(set(range(count)))
    trial = world.trial()
    for _ in range(3):
        with pytest.raises(Stuck) as caught:
            await world.run(trial, batch(count))
        assert caught.value.failure.error == "KeyError"
    assert world.set_aside == world.done == []
    assert world.tried == [offset for offset in range(count) for _ in range(ATTEMPTS)] + [0, 0]


async def test_a_flood_is_set_aside_behind_the_first_that_can_be_done() -> None:
    """However many there are, and however late it comes."""
    world = World(set(range(300)))
    trial = world.trial()
    for size in (100, 200, 300):
        with pytest.raises(Stuck):
            await world.run(trial, batch(size))
    await world.run(trial, batch(301))
    assert world.set_aside == list(range(300))
    assert world.done[-1] == 300


async def test_what_was_mended_is_done_in_order() -> None:
    """As soon as the first can be done, the others are tried anew, behind it."""
    world = World({0, 1, 2})
    trial = world.trial()
    with pytest.raises(Stuck):
        await world.run(trial, batch(4)[:3])
    world.failing = {1}
    world.tried.clear()
    await world.run(trial, batch(4))
    assert world.tried == [0, 1, 1, 1, 2, 3]
    assert world.set_aside == [1]


async def test_what_comes_later_shows_whose_fault_it_is() -> None:
    """A batch may have grown when it is tried again."""
    world, trial = World({0}), None
    trial = world.trial()
    with pytest.raises(Stuck):
        await world.run(trial, batch(1))
    await world.run(trial, batch(2))
    assert (world.set_aside, world.done[-1]) == ([0], 1)


async def test_others_that_came_another_way_show_it_too() -> None:
    """Inside a block the step is fed directly: what it does for others counts as company."""
    world = World({0})
    trial = world.trial()
    with pytest.raises(Stuck):
        await world.run(trial, batch(1))
    world.company = True
    await world.run(trial, batch(1))
    assert world.set_aside == [0]


async def test_an_interruption_costs_no_message_an_attempt() -> None:
    """A database that is away is nobody's fault; what was settled before is not done again."""
    world = World({1})
    trial = world.trial()
    await world.run(trial, batch(2))
    world.away = 5
    for _ in range(5):
        with pytest.raises(Unavailable):
            await world.run(trial, batch(4))
    await world.run(trial, batch(4))
    assert world.tried == [0, 1, 1, 1, 2, 3]


async def test_an_interruption_is_not_noted_as_an_attempt() -> None:
    """A process that ends while the database is away, time and again, does not make its message a suspect."""
    noted: dict[int, int] = {}
    for _ in range(ATTEMPTS + 1):
        world = World(away=1)
        with pytest.raises(Unavailable):
            await world.run(world.trial(noted), batch(2))
        noted = world.noted[-1]
    world = World()
    await world.run(world.trial(noted), batch(2))
    assert (world.tried, world.set_aside) == ([0, 1], [])


async def test_who_cannot_even_begin_has_not_tried() -> None:
    """While nothing can be noted no message is tried, and none is taken for a killer."""
    world = World()
    away = 5

    async def note(attempts: Mapping[Position, int]) -> None:
        nonlocal away
        if away:
            away -= 1
            raise Unavailable("no coordinator")
        await world.note(attempts)

    trial = Trial(note, world.finish, lambda: False, {})
    for _ in range(3):
        with pytest.raises(Unavailable):
            await world.run(trial, batch(3))
    await world.run(trial, batch(3))
    assert (world.tried, world.set_aside) == ([0, 1, 2], [])


async def test_what_is_the_operators_is_no_messages_fault() -> None:
    """A missing table ends the trial at once."""
    world = World()

    async def without_table(_: Message) -> None:
        raise Misconfigured("migrations")

    with pytest.raises(Misconfigured):
        await world.trial().run(batch(2), without_table, world.aside)
    assert world.set_aside == []


@pytest.mark.parametrize("outlived", [Misconfigured("migrations"), asyncio.CancelledError(), KeyError("太郎")])
async def test_what_a_process_outlives_does_not_count(outlived: BaseException) -> None:
    """A bad deployment, then a crash, time and again, do not make its messages killers: mended, it does them all."""
    noted: dict[int, int] = {}

    async def attempt(_: Message) -> None:
        raise outlived

    for _ in range(ATTEMPTS + 1):
        world = World()
        with pytest.raises(Stuck if isinstance(outlived, KeyError) else type(outlived)):
            await world.trial(noted).run(batch(5), attempt, world.aside)
        noted = world.noted[-1]
    world = World()
    await world.run(world.trial(noted), batch(6))
    assert (world.tried, world.set_aside) == ([0, 1, 2, 3, 4, 5], [])


async def test_a_failure_keeps_nothing_of_its_message() -> None:
    """However long they wait for company: what their steps had in hand is personal data, and a lot of it."""

    class Opened:
        pass

    kept: list[weakref.ref[Opened]] = []

    async def attempt(_: Message) -> None:
        opened = Opened()
        kept.append(weakref.ref(opened))
        raise KeyError(opened)

    world = World()
    trial = world.trial()
    with pytest.raises(Stuck):
        await trial.run(batch(2), attempt, world.aside)
    gc.collect()
    assert [one() for one in kept] == [None] * 2 * ATTEMPTS


async def test_what_has_killed_three_times_is_not_begun_again() -> None:
    """It is set aside as soon as another can be done; what has killed once is tried, and noted first."""
    world = World()
    await world.run(world.trial({0: 3, 1: 1}), batch(3))
    assert world.tried == [1, 2]
    assert (world.set_aside, world.reasons) == ([0], [KILLED])
    assert world.noted[0] == {0: 3, 1: 2}


async def test_killers_alone_wait_for_company() -> None:
    """What has killed its process three times is not begun again; nor is it set aside before another was done."""
    world = World()
    trial = world.trial({0: 3})
    for _ in range(2):
        with pytest.raises(Stuck) as caught:
            await world.run(trial, batch(1))
        assert caught.value.failure == KILLED
    assert (world.tried, world.set_aside) == ([], [])
    await world.run(trial, batch(2))
    assert (world.tried, world.set_aside) == ([1], [0])


@given(st.dictionaries(st.integers(0, 2**62), st.integers(1, 100), max_size=LONGEST), st.booleans())
def test_a_note_reads_back(attempts: dict[int, int], left: bool) -> None:
    """As the metadata of an offset: nothing once left in order, and within the broker's 4 KiB."""
    note = LEFT if left else Note(somebody_new(), attempts)
    assert parse(str(note)) == note
    assert len(str(note)) < 4096


@pytest.mark.parametrize(
    "text", ["x", "at work", "at work 0a1b2c3d 1", "at work 0a1b2c3d  1:2", "AT WORK 0a1b2c3d", "1:2"]
)
def test_any_other_note_says_that_somebody_was_at_work(text: str) -> None:
    """Better one careful batch too many."""
    assert parse(text) == SOMEBODY
    assert parse("") == LEFT
