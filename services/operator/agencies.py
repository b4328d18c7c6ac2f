"""Codes of agencies as people type them: all of a call are checked before a command does anything with one."""

from collections.abc import Collection, Sequence

from schemas.agencies import Municipality, Prefecture, checked, load_municipalities, load_prefectures
from schemas.directory import HUB


def local_governments() -> dict[str, Municipality | Prefecture]:
    """Every municipality and prefecture, by code."""
    listed: list[Municipality | Prefecture] = [*load_municipalities(), *load_prefectures()]
    return {one.code: one for one in listed}


def require_known(codes: Sequence[str], enrolled: Collection[str] = ()) -> None:
    """ValueError names every code that is neither a local government's, nor the hub's, nor among those enrolled.

    An agency of another class is known once its root is enrolled: the directory holds no record of any other."""
    known = {*local_governments(), HUB, *enrolled}
    wrong = [f"code {number}: {_fault(code)}" for number, code in enumerate(codes, 1) if code not in known]
    if wrong:
        raise ValueError("; ".join(wrong))


def _fault(code: str) -> str:
    """The reason; it does not repeat what is no code: that may be an internal number in the wrong place."""
    try:
        return f"{checked(code)} is no municipality and no prefecture, and no agency of this code is enrolled here"
    except ValueError as error:
        return str(error)
