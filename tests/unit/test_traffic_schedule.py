"""What fits into a window, what moves to the next day, how long somebody waits."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.traffic.report import asked_by_hour
from services.traffic.schedule import DAY, HOUR, Hour, Sender, Window, hours, longest_wait, schedule

loads = st.integers(0, 10**7)
lines = st.integers(64, 10**6)
windows = st.builds(Window, st.integers(HOUR, DAY))
senders = st.builds(Sender, lines, windows)
days = st.lists(st.integers(0, 500), min_size=1, max_size=5)
small_senders = st.builds(
    Sender, st.integers(1, 20).map(lambda speed: 8 * speed), st.builds(Window, st.integers(5, 60))
)


@given(loads, senders)
def test_nothing_is_lost(load: int, sender: Sender) -> None:
    """What is sent on the day and what moves are the load; so many days, and no fewer, carry it."""
    result = schedule(load, sender)
    assert (result.today + result.moved, result.load) == (load, load)
    assert result.today <= result.capacity
    assert (result.days - 1) * sender.capacity < load <= result.days * sender.capacity or load == result.days == 0
    assert result.fits == (load <= sender.capacity)


@given(loads, loads, senders)
def test_more_load_never_waits_less(some: int, other: int, sender: Sender) -> None:
    """Moved load, days, waits and what would be needed are all monotone."""
    less, more = (schedule(load, sender) for load in sorted((some, other)))
    for name in ("moved", "days", "longest_wait", "longest_wait_at_once", "needed_seconds", "needed_kbps"):
        assert getattr(less, name) <= getattr(more, name)


@given(loads, senders)
def test_what_is_needed_is_enough_and_just_so(load: int, sender: Sender) -> None:
    """The longer window and the faster line that are named fit; a second or a kbit/s less does not."""
    result = schedule(load, sender)
    if 1 < result.needed_seconds <= DAY:
        assert schedule(load, Sender(sender.kbps, Window(result.needed_seconds))).fits
        assert not schedule(load, Sender(sender.kbps, Window(result.needed_seconds - 1))).fits
    if result.needed_kbps > 1:
        assert schedule(load, Sender(result.needed_kbps, sender.window)).fits
        assert not schedule(load, Sender(result.needed_kbps - 1, sender.window)).fits


@given(loads, senders)
def test_who_asks_evenly_waits_only_for_what_does_not_fit(load: int, sender: Sender) -> None:
    """Nobody waits if it fits; else the last one until it is through, some nights later."""
    result = schedule(load, sender)
    through = sender.sent_at(Fraction(load)) - sender.window.seconds
    assert result.longest_wait == (0 if result.fits else -(-through // 1))
    assert result.longest_wait <= result.longest_wait_at_once


@given(days.filter(any), small_senders)
@example([500, 20], Sender(80, Window(51)))  # the window closes on a slow part: its end waits less than its middle
@example([510, 20], Sender(80, Window(51)))  # just at the end of a part
@example([3000, 20], Sender(80, Window(51)))  # on several nights
def test_the_longest_wait_is_that_of_a_simulated_line(asked: list[int], sender: Sender) -> None:
    """Against every hundredth of every part of the day, sent one after another."""
    waits = list(simulated_waits(asked, sender))
    slack = max(Fraction(amount, PIECES) for amount in asked) / sender.speed + slowest_piece(asked, sender)
    assert abs(longest_wait(asked, sender) - max(waits)) <= slack


PIECES = 100


def slowest_piece(asked: Sequence[int], sender: Sender) -> Fraction:
    """Seconds in which one piece is asked for."""
    return Fraction(sender.window.seconds, len(asked) * PIECES)


def simulated_waits(asked: Sequence[int], sender: Sender) -> Iterator[Fraction]:
    """From the asking for each piece to its end, the line sending whenever its window is open."""
    free = Fraction(0)
    for number, amount in enumerate(asked):
        for piece in range(PIECES if amount else 0):
            asked_at = slowest_piece(asked, sender) * (number * PIECES + piece)
            free = after(max(free, asked_at), Fraction(amount, PIECES) / sender.speed, sender.window.seconds)
            yield free - asked_at


def after(start: Fraction, work: Fraction, window: int) -> Fraction:
    """When `work` seconds of sending that begin at `start` are done."""
    day, second = divmod(start, DAY)
    left = window - second
    while work > left:
        work, left, second, day = work - max(left, Fraction(0)), Fraction(window), Fraction(0), day + 1
    return day * DAY + second + work


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=24), st.integers(64, 10**4))
def test_hour_by_hour_nothing_is_lost(asked: list[int], kbps: int) -> None:
    """No hour sends more than the line carries, nothing is sent before it is asked, all of it is sent in the end."""
    rows = list(hours(asked, kbps, 9))
    assert all(row.sent <= kbps * HOUR / 8 for row in rows)
    assert sum(row.sent for row in rows) == sum(asked)
    assert rows[-1].waiting == 0
    waiting = [Hour(0, 8, 0, 0, 0), *rows]
    assert all(now.waiting == before.waiting + now.asked - now.sent >= 0 for before, now in pairwise(waiting))


@given(st.integers(0, 10**7), st.integers(1, 24))
def test_an_office_day_asks_for_everything(load: int, length: int) -> None:
    """In whatever window; after eight hours nobody asks."""
    asked = asked_by_hour(load, Window(length * HOUR))
    assert (len(asked), sum(asked), sum(asked[8:])) == (length, load, 0)


def test_the_second_day_begins_where_the_first_ended() -> None:
    """The morning's rush on 128 kbit/s: 7,740 KB at 17:00, gone on the next day by 10:00."""
    rows = list(hours(asked_by_hour(468_540, Window()), 128, 9))
    assert [row.clock for row in rows[:8]] == list(range(9, 17))
    assert (rows[7].waiting, rows[8].day, rows[8].sent, rows[8].waiting) == (7_740, 1, 7_740, 0)


@pytest.mark.parametrize("seconds", [0, -1, DAY + 1])
def test_a_window_is_part_of_a_day(seconds: int) -> None:
    """The message says how long it may be."""
    with pytest.raises(ValueError, match="1 to 86,400 seconds"):
        Window(seconds)


def test_a_line_that_carries_nothing() -> None:
    """Is no line."""
    with pytest.raises(ValueError, match="more than 0 kbit/s"):
        Sender(0)


def test_a_negative_load() -> None:
    """Is no load."""
    with pytest.raises(ValueError, match="0 KB or more"):
        schedule(-1, Sender(128))
