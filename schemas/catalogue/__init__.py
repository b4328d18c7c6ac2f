"""What may be exchanged: each item of specific personal information, its layout, and the law's name it belongs to."""

from schemas.catalogue.item import Catalogue, Item
from schemas.catalogue.layout import Characters, Field, Group, SignedNumber
from schemas.catalogue.load import load_catalogue

__all__ = ["Catalogue", "Characters", "Field", "Group", "Item", "SignedNumber", "load_catalogue"]
