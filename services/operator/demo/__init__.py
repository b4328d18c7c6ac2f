"""The study's use case №1, child-rearing allowance (児童扶養手当, row 57, asker a city), played on a real installation.

Here stands who plays: agencies, officers, the line of the law. All persons are synthetic.
"""

from typing import Final

from schemas.control import Basis, Item, Officer
from schemas.law import EDITION

ASKER: Final = "221309"
"""浜松市, 静岡県: asks."""
NEIGHBOUR: Final = "221007"
"""静岡市, 静岡県: shares the cloud, and was the 1 January municipality of one applicant."""
ELSEWHERE: Final = "401307"
"""福岡市, 福岡県: another prefecture; 1 January municipality of the others."""
UNASSESSED: Final = "222038"
"""沼津市, 静岡県: its protection assessment covers other affairs (ASSESSED) than the allowance."""
ASSESSED: Final = "10"
ITEM: Final = Item(name="income_tax_certificate", layout=1)
YEAR: Final = 2026
OFFICE: Final = "子育て支援課"
OFFICER: Final = Officer(office=OFFICE, role="allowance_clerk", staff="hamamatsu-0107")
RECEPTIONIST: Final = Officer(office=OFFICE, role="receptionist", staff="hamamatsu-0215")
"""On the staff list, in a role to which the agency's policy grants nothing."""
ALLOWANCE: Final = Basis(edition=EDITION, row="57", branch=2)
"""児童扶養手当法による児童扶養手当の支給: 都道府県知事等 asks 市町村長 for 地方税関係情報."""
UNLAWFUL: Final = Basis(edition=EDITION, row="57", branch=1)
"""The same affairs, but the line whose provider is 都道府県知事 and which does not list 地方税関係情報."""

APPLICANT: Final = "SYN0000001"
SPOUSE: Final = "SYN0000002"
FLAGGED: Final = "SYN0000003"
ANOTHER: Final = "SYN0000004"
"""Internal numbers (既存番号) at the asker."""
MOVED: Final = "SYN6000005"
"""At NEIGHBOUR, which asks ELSEWHERE about this person."""
RESIDENT: Final = "SYN8000001"
"""The applicant's number at UNASSESSED."""
