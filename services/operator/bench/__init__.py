"""The bench: all municipalities of the country as agencies, real Kafka and PostgreSQL, everything on one machine."""
