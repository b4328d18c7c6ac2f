"""全国地方公共団体コード: two digits of prefecture, three of municipality, one check digit.

Rule: Σ digit × (6, 5, 4, 3, 2); 11 − (Σ mod 11), of which the last digit (study, section 5). It finds every
single wrong digit but the pair that the "last digit" folds together.
"""

import re
from typing import Final

WEIGHTS: Final = (6, 5, 4, 3, 2)


def check_digit(number: str) -> int:
    """The sixth digit for five; raises ValueError if `number` is anything but five ASCII digits."""
    if not re.fullmatch("[0-9]{5}", number):
        raise ValueError("a local government number is five digits")
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, number, strict=True))
    return (11 - total % 11) % 10


def checked(code: str) -> str:
    """`code` itself, if it is six digits with the right check digit; else ValueError.

    A right check digit does not mean that the municipality exists: look it up in the list.
    """
    if not re.fullmatch("[0-9]{6}", code):
        raise ValueError("a local government code is six digits: five and a check digit")
    if int(code[5]) != check_digit(code[:5]):
        raise ValueError(f"the check digit of {code} should be {check_digit(code[:5])}: look for a typing error")
    return code
