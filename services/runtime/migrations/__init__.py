"""Alembic with plain SQL revisions: one schema, one role and one version table a service.

Each service keeps its revisions in `services/<service>/migrations/` (`revisions` says otherwise), as modules with `revision`,
`down_revision` and an `upgrade` that executes SQL. Migrations run as the owner of the database; application roles own no
table.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ArgumentError, OperationalError

from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.revisions import folder

OWNER = "renkei_owner"
"""Owns every table and is bound by row-level security as everybody: a view of its own shows no more than the table."""


def configuration(service: str, revisions: Path | None = None) -> Config:
    """Alembic's configuration for one service's schema."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("version_locations", str(folder(service, revisions)))
    config.set_main_option("path_separator", "os")
    config.attributes["service"] = service
    return config


def prepare(dsn: str, passwords: Mapping[str, str]) -> None:
    """Creates the owner and the services' roles where missing, and gives each role its password."""
    with _connected(dsn) as connection:
        connection.execute(text(_role(OWNER, "NOLOGIN")))
        for role, password in passwords.items():
            quoted = password.replace("'", "''")
            connection.execute(text(_role(role, "LOGIN")))
            connection.execute(text(f"ALTER ROLE {role} PASSWORD '{quoted}'"))


def migrate(dsn: str, service: str, role: str, revisions: Path | None = None) -> None:
    """Creates the service's schema where missing, and brings it to the head; the role has been prepared."""
    with _connected(dsn) as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {OWNER}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {role}"))
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        config = configuration(service, revisions)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(text(f"GRANT SELECT ON {service}.alembic_version TO PUBLIC"))


def isolated(table: str, role: str, rights: str = "SELECT, INSERT, UPDATE") -> str:
    """SQL that forces row-level security on a table: a transaction sees the agencies it has named, and no others."""
    named = "SELECT string_to_array(current_setting('renkei.agencies', true), ',')"
    return f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY agencies ON {table} USING (agency = ANY (({named})::text[]));
        GRANT {rights} ON {table} TO {role};
    """


def _role(name: str, login: str) -> str:
    return f"""DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
            CREATE ROLE {name} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
        END IF;
    END $$"""


@contextmanager
def _connected(dsn: str) -> Iterator[Connection]:
    """Commits at the end; `Unavailable` while the database is away, `Misconfigured` for an address that is none."""
    try:
        engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    except (ArgumentError, ValueError):
        raise Misconfigured("the address of PostgreSQL is not postgresql://user:password@host:port/database") from None
    try:
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise Unavailable(f"PostgreSQL is away: {type(error.orig).__name__}") from None
    finally:
        engine.dispose()
