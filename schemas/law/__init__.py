"""Appended Table 2 (番号法 別表第二) as data: who may ask whom for what, for which affairs. README.md: edition."""

from schemas.law.agency_class import AgencyClass
from schemas.law.judgement import Judgement, LawTable, load_table
from schemas.law.table import EDITION, LawRow

__all__ = ["EDITION", "AgencyClass", "Judgement", "LawRow", "LawTable", "load_table"]
