"""Alembic's entry: the connection and the service are handed in by `services.runtime.migrations`."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    version_table_schema=config.attributes["service"],
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
