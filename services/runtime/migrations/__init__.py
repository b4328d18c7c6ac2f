"""Alembic with plain SQL revisions: one schema, one role and one version table a service.

Each service keeps its revisions in `services/<service>/migrations/` (`revisions` says otherwise), as modules with `revision`,
`down_revision` and an `upgrade` that executes SQL. Migrations run as the owner of the database; application roles own no
table.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError

from services.runtime.errors import Misconfigured, Unavailable
from services.runtime.revisions import folder, head

OWNER = "renkei_owner"
"""Owns every table and is bound by row-level security as everybody: a view of its own shows no more than the table."""
ALONE: Final = """
    SET LOCAL lock_timeout = '60s';
    LOCK TABLE pg_catalog.pg_authid IN SHARE ROW EXCLUSIVE MODE
"""
"""Of two migrations on a server the second waits until the first is done. Only a superuser can take this lock: an advisory
lock could be held by every role of the database, and block each migration."""


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
    """Creates the service's schema where missing, and brings it to the head; the role has been prepared.

    `Misconfigured`, and nothing changed, where the schema is newer than the code."""
    with _connected(dsn) as connection:
        _require_no_newer(connection, service, head(service, revisions))
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {service} AUTHORIZATION {OWNER}"))
        connection.execute(text(f"GRANT USAGE ON SCHEMA {service} TO {role}"))
        connection.execute(text(f"SET LOCAL ROLE {OWNER}"))
        config = configuration(service, revisions)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.execute(text(f"GRANT SELECT ON {service}.alembic_version TO PUBLIC"))


def isolated(table: str, role: str, rights: str = "SELECT, INSERT, UPDATE") -> str:
    """SQL that forces row-level security on a table: a transaction sees the agencies it has named, and no others."""
    return f"""
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
        CREATE POLICY agencies ON {table} USING ({_NAMED});
        GRANT {rights} ON {table} TO {role};
    """


def isolated_by_key(*tables: str) -> str:
    """SQL that gives the tables of earlier revisions the predicate that `isolated` has now."""
    return ";".join(f"ALTER POLICY agencies ON {table} USING ({_NAMED})" for table in tables)


_NAMED: Final = """
    array_position((SELECT string_to_array(current_setting('renkei.agencies', true), ','))::text[], agency) IS NOT NULL
"""
"""The row's agency is one of those that the transaction has named.

`agency = ANY (…)` says the same, but is an index condition: the planner does not know how many agencies are named, and would
read all their rows to join them with the few that a statement wants. This way it looks these up by their keys."""


def _role(name: str, login: str) -> str:
    return f"""DO $$ BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
            CREATE ROLE {name} {login} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
        END IF;
    END $$"""


def _require_no_newer(connection: Connection, service: str, expected: str) -> None:
    found = MigrationContext.configure(connection, opts={"version_table_schema": service}).get_current_revision()
    if found is not None and found > expected:
        raise Misconfigured(f"schema {service} is at {found}, the code at {expected}: run the newer code")


@contextmanager
def _connected(dsn: str) -> Iterator[Connection]:
    """Commits at the end; `Unavailable` while the database is away, `Misconfigured` for what is the operator's to mend."""
    try:
        engine = create_engine(dsn.replace("postgresql://", "postgresql+psycopg://", 1))
    except (ArgumentError, ValueError):
        raise Misconfigured("the address of PostgreSQL is not postgresql://user:password@host:port/database") from None
    try:
        with engine.begin() as connection:
            connection.execute(text(ALONE))
            yield connection
    except (SQLAlchemyError, CommandError) as error:
        raise _translated(error) from None
    finally:
        engine.dispose()


def _translated(error: SQLAlchemyError | CommandError) -> Exception:
    """Without the error's own text, which repeats the statement, and in it a role's password."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = type(cause).__name__
    if isinstance(cause, InsufficientPrivilege):
        return Misconfigured(f"PostgreSQL refuses to migrate: {name}: RENKEI_POSTGRES is to name a superuser")
    if not isinstance(error, OperationalError):
        return Misconfigured(f"the migration failed: {name}")
    if _refused(cause):
        return Misconfigured("PostgreSQL refuses the user, the password or the database of RENKEI_POSTGRES")
    return Unavailable(f"PostgreSQL is away: {name}")


def _refused(cause: BaseException | None) -> bool:
    """Whether the server has asked for a password and let nobody in: while it starts or stops, it does not ask.

    libpq keeps no SQLSTATE of a failed connection, and its text is in the server's language."""
    connection = getattr(cause, "pgconn", None)
    return connection is not None and (connection.needs_password or connection.used_password)
