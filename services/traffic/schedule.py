"""A day's load on a line: what fits into the window, what must move to the next day, how long somebody waits.

The study asks for an agreement on when to send (送信スケジュールの調整, 5-2), because the mass inquiry of 100,000
people does not fit 128 kbit/s; this is its arithmetic. The line sends first in, first out, at its full speed while its
window is open, and goes on where it stopped when the window opens on the next day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final

from services.traffic.model import BITS_OF_A_BYTE

HOUR: Final = 3_600
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Window:
    """The part of every day in which a line is used."""

    seconds: int = 8 * HOUR
    opens: int = 9
    """Hour of the clock; only for drawing, assumed."""

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= DAY:
            raise ValueError(f"expected a window of 1 to {DAY:,} seconds a day, got {self.seconds:,}")


@dataclass(frozen=True, slots=True)
class Sender:
    """A line and its window."""

    kbps: int
    window: Window = Window()

    def __post_init__(self) -> None:
        if self.kbps <= 0:
            raise ValueError(f"expected a line of more than 0 kbit/s, got {self.kbps:,}")

    @property
    def speed(self) -> Fraction:
        """KB/s."""
        return Fraction(self.kbps, BITS_OF_A_BYTE)

    @property
    def capacity(self) -> Fraction:
        """KB a day."""
        return self.speed * self.window.seconds

    def sent_at(self, kilobytes: Fraction) -> Fraction:
        """When that much is through: seconds from the first opening, the nights in between included."""
        nights = max(0, ceil(kilobytes / self.capacity) - 1)
        return self._during(nights, kilobytes)

    def next_at(self, kilobytes: Fraction) -> Fraction:
        """When that much is through and the line takes up the next: after a full window, on the next day."""
        return self._during(floor(kilobytes / self.capacity), kilobytes)

    def _during(self, nights: int, kilobytes: Fraction) -> Fraction:
        return nights * DAY + (kilobytes - nights * self.capacity) / self.speed


@dataclass(frozen=True, slots=True)
class Schedule:
    """What becomes of a load that is asked for within one window; KB and seconds, rounded to the safe side."""

    load: int
    capacity: int
    today: int
    """KB that fit into the day's window."""
    moved: int
    """KB that must move to the next day or days."""
    days: int
    """On how many days is sent."""
    longest_wait: int
    """From asking to being through, if people ask evenly throughout the window, as the study's kbit/s suppose."""
    longest_wait_at_once: int
    """The same if all ask when the window opens."""
    needed_seconds: int
    """A window that is just long enough for everything to go on one day; no day has it if above 86,400."""
    wait_if_needed: int
    """Longest wait in that window, if people ask evenly throughout the shorter one."""
    needed_kbps: int
    """Or a line that is just fast enough for the window as it is."""

    @property
    def fits(self) -> bool:
        """Nothing must move."""
        return self.moved == 0


def schedule(load: int, sender: Sender) -> Schedule:
    """The schedule of `load` KB; ValueError if it is negative."""
    if load < 0:
        raise ValueError(f"expected a load of 0 KB or more, got {load:,}")
    today = floor(min(Fraction(load), sender.capacity))
    return Schedule(
        load=load,
        capacity=floor(sender.capacity),
        today=today,
        moved=load - today,
        days=ceil(load / sender.capacity),
        longest_wait=ceil(longest_wait([load], sender)),
        longest_wait_at_once=ceil(sender.sent_at(Fraction(load))),
        needed_seconds=ceil(load / sender.speed),
        wait_if_needed=max(0, ceil(load / sender.speed) - sender.window.seconds),
        needed_kbps=ceil(Fraction(load * BITS_OF_A_BYTE, sender.window.seconds)),
    )


def longest_wait(asked: Sequence[int], sender: Sender) -> Fraction:
    """Seconds from asking to being through, for whoever waits longest; exact.

    `asked` is KB in equal parts of the window, evenly within each. Who waits longest is the last of a part, or the
    first for whom the window closes: between these the wait changes evenly.
    """
    part = Fraction(sender.window.seconds, len(asked))
    longest, place = Fraction(0), Fraction(0)
    for number, amount in enumerate(asked):
        place = max(place, sender.speed * part * number)  # what an idle line could have sent is gone
        if amount:
            longest = max(longest, *_waits(place, amount, part * number, part, sender))
        place += amount
    return longest


def _waits(place: Fraction, amount: int, start: Fraction, part: Fraction, sender: Sender) -> Iterator[Fraction]:
    """Waits within one part, whose first byte is at `place` in what the line sends."""
    yield sender.sent_at(place + amount) - start - part
    closings = ceil((place + amount) / sender.capacity) - 1
    full = closings * sender.capacity  # whoever is first after an earlier one waits less
    if full >= place:
        yield sender.next_at(full) - start - part * (full - place) / amount


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of a window; KB."""

    day: int
    """0 is the day on which all is asked."""
    clock: int
    asked: int
    sent: int
    waiting: int
    """At the end of the hour."""


def hours(asked: Sequence[int], kbps: int, opens: int) -> Iterator[Hour]:
    """Hour by hour until nothing waits: a window of as many hours as `asked` has KB for, repeated on the days after."""
    sender = Sender(kbps, Window(len(asked) * HOUR, opens))
    in_an_hour = floor(sender.speed * HOUR)
    waiting = day = 0
    while day == 0 or waiting:
        for number, amount in enumerate(asked if day == 0 else [0] * len(asked)):
            sent = min(waiting + amount, in_an_hour)
            waiting += amount - sent
            yield Hour(day, (opens + number) % 24, amount, sent, waiting)
        day += 1
