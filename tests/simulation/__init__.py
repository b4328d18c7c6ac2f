"""Deterministic simulation: the real services on a log and tables in memory, under a seeded scheduler that lets things fail."""
