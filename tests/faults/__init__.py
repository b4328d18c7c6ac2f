"""Faults on the real parts: what may strike an installation under load, and whether its books balance afterwards."""
