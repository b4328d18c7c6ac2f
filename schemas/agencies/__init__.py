"""Municipalities and prefectures of Japan with their codes, and the classes of the law table that they belong to."""

from schemas.agencies.classes import classes_of
from schemas.agencies.code import check_digit, checked
from schemas.agencies.lists import Municipality, Prefecture, load_municipalities, load_prefectures

__all__ = [
    "Municipality",
    "Prefecture",
    "check_digit",
    "checked",
    "classes_of",
    "load_municipalities",
    "load_prefectures",
]
