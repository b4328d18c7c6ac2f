"""A whole installation on this machine: one Kafka broker, one PostgreSQL server, the services, all on 127.0.0.1."""
