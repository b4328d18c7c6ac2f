"""One agency never sees another's: every table of every service, read off the database's own catalogue."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any, Final

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from psycopg.sql import SQL, Identifier, Literal

from services.operator import lifecycle, publication
from services.operator.demo import ASKER
from services.runtime.postgres import role_of
from services.topology import SERVICES
from tests import site as sites
from tests.site import RESIDENTS, Site

SCHEMAS: Final = [service.name for service in SERVICES if service.tables]
STRANGERS: Final = ("999903", "999911")
"""Two agencies that nobody is, so that a table with rows of one agency alone has rows of two."""

TABLES: Final = """
    SELECT relnamespace::regnamespace::text, relname, relrowsecurity, relforcerowsecurity, relowner::regrole::text
    FROM pg_class
    WHERE relkind IN ('r', 'p', 'f', 'm') AND relname <> 'alembic_version'
      AND relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY 1, 2
"""
FIRST_OF_KEY: Final = """
    SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
    WHERE indisprimary AND indrelid = %s::regclass
"""
COLUMNS: Final = """
    SELECT attname, format_type(atttypid, NULL), attidentity FROM pg_attribute
    WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""
VALUES: Final = {
    "text": "x",
    "uuid": "01935b8e-7c00-7000-8000-00000000000a",
    "bytea": b"x",
    "timestamp with time zone": "2026-11-24T09:00:00Z",
    "integer": 1,
    "bigint": 1,
    "boolean": True,
    "date": "2026-11-24",
}
CONSTRAINED: Final = {
    "exchange.exchanges": {"state": "open"},
    "exchange.decisions": {"step": "accept"},
    "routing.cases": {"state": "asked"},
}
"""Columns whose values a CHECK or a view lists."""


@pytest.fixture(scope="module")
def tables(site: Site) -> Iterator[list[str]]:
    """The services' tables, each with real rows where an inquiry leaves some, and with a row of each stranger."""
    found = [f"{schema}.{name}" for schema, name, *_ in sites.rows(site, TABLES) if schema in SCHEMAS]
    with psycopg.connect(site.superuser()) as connection:
        for table in found:
            for agency in STRANGERS:
                _insert(connection, table, agency)
    yield found
    with psycopg.connect(site.superuser()) as connection:
        for table in found:
            connection.execute(SQL("DELETE FROM {} WHERE agency = ANY (%s)").format(_name(table)), [list(STRANGERS)])


def test_every_table_of_the_database_is_isolated(site: Site) -> None:
    """Row-level security is on and forced, the key begins with the agency, and no service owns its table."""
    listed = [row for row in sites.rows(site, TABLES) if row[0] in SCHEMAS]
    assert {row[0] for row in listed} == set(SCHEMAS)
    for schema, name, enabled, forced, owner in listed:
        table = f"{schema}.{name}"
        assert (enabled, forced, owner) == (True, True, "renkei_owner"), table
        assert sites.rows(site, FIRST_OF_KEY, table) == [("agency",)], table
        policies = sites.rows(site, "SELECT polcmd::text FROM pg_policy WHERE polrelid = %s::regclass", table)
        assert policies == [("*",)], table


def test_there_is_no_table_outside_the_services_schemas(site: Site) -> None:
    """So that none is forgotten."""
    assert {row[0] for row in sites.rows(site, TABLES)} == set(SCHEMAS)


def test_no_role_may_go_round_it(site: Site) -> None:
    """Neither superuser nor BYPASSRLS, nobody is a member of another, and nobody owns anything at all."""
    roles = [role_of(name) for name in [*SCHEMAS, "gateway"]]
    found = "SELECT rolname FROM pg_roles WHERE rolname = ANY (%s) AND (rolsuper OR rolbypassrls OR rolcreaterole)"
    assert sites.rows(site, found, roles) == []
    member = "SELECT roleid::regrole::text FROM pg_auth_members WHERE member::regrole::text = ANY (%s)"
    assert sites.rows(site, member, roles) == []
    owned = "SELECT objid FROM pg_shdepend WHERE deptype = 'o' AND refobjid = ANY (%s::regrole[])"
    assert sites.rows(site, owned, roles) == []


def test_an_agency_sees_no_row_of_another(site: Site, tables: Sequence[str]) -> None:
    """In the role of the service: with one agency named its rows, with none named nothing, whatever the table holds."""
    for table in tables:
        everybody = {row[0] for row in sites.rows(site, f"SELECT DISTINCT agency FROM {table}")}
        assert len(everybody) >= 2, f"{table} cannot show anything"
        with psycopg.connect(_as(site, role_of(table.partition(".")[0]))) as connection:
            for agency in everybody:
                assert _seen(connection, table, agency) == {agency}, table
            assert _seen(connection, table, "000000") == set(), table
            assert _seen(connection, table, "") == set(), table


def test_nothing_is_seen_where_no_agency_was_ever_named(site: Site, tables: Sequence[str]) -> None:
    """A statement outside a transaction of the runtime's finds nothing."""
    for table in tables:
        with psycopg.connect(_as(site, role_of(table.partition(".")[0]))) as connection:
            assert connection.execute(SQL("SELECT count(*) FROM ") + _name(table)).fetchone() == (0,), table


def test_nothing_is_written_for_another_agency(site: Site, tables: Sequence[str]) -> None:
    """An insert for an agency that the transaction has not named is refused by the policy, not by a missing right."""
    for table in tables:
        with psycopg.connect(_as(site, role_of(table.partition(".")[0]))) as connection:
            connection.execute("SELECT set_config('renkei.agencies', %s, true)", [STRANGERS[0]])
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                _insert(connection, table, STRANGERS[1], key="another")


def test_nothing_is_changed_for_another_agency(site: Site, tables: Sequence[str]) -> None:
    """An update reaches no row of an agency that was not named, and hands no row over to one."""
    for table in tables:
        role = role_of(table.partition(".")[0])
        if not sites.rows(site, "SELECT has_table_privilege(%s, %s, 'UPDATE')", role, table)[0][0]:
            continue
        with psycopg.connect(_as(site, role)) as connection:
            connection.execute("SELECT set_config('renkei.agencies', %s, true)", [STRANGERS[0]])
            update = SQL("UPDATE {} SET agency = %s WHERE agency = %s").format(_name(table))
            assert connection.execute(update, [STRANGERS[1], STRANGERS[1]]).rowcount == 0, table
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                connection.execute(update, [STRANGERS[1], STRANGERS[0]])


def test_a_view_shows_the_agency_that_was_named(site: Site, tables: Sequence[str]) -> None:
    """Whatever one service grants to another is bound by the same policy."""
    granted = [(role_of(name), view) for name in [*SCHEMAS, "gateway"] for view in _readable(site, role_of(name), "v")]
    assert (role_of("gateway"), "exchange.progress") in granted
    for role, view in granted:
        with psycopg.connect(_as(site, role)) as connection:
            assert connection.execute(SQL("SELECT count(*) FROM ") + _name(view)).fetchone() == (0,), view
            for agency in STRANGERS:
                assert _seen(connection, view, agency) == {agency}, view
            assert _seen(connection, view, "000000") == set(), view


def test_a_service_reads_no_table_of_another(site: Site, tables: Sequence[str]) -> None:
    """Its own tables, and views that were granted to it: the gateway has no table at all."""
    for name in [*SCHEMAS, "gateway"]:
        own = {table for table in tables if table.startswith(f"{name}.")}
        assert set(_readable(site, role_of(name), "r")) == own, name


async def test_real_rows_are_isolated_too(site: Site, tables: Sequence[str]) -> None:
    """After an exchange between two agencies, each finds its own side's rows and nothing of the other's."""
    resident = RESIDENTS[-1]
    assert sites.answers(await sites.ask(site, sites.inquiry(resident)), resident)
    for table in ("crypto.decisions", "id_conversion.codes", "hub.decisions"):
        assert table in tables
        with psycopg.connect(_as(site, role_of(table.partition(".")[0]))) as connection:
            for agency in (ASKER, resident.provider):
                assert _seen(connection, table, agency) == {agency}, table


def _readable(site: Site, role: str, kind: str) -> list[str]:
    """The relations of a kind that a role may read, but for the versions of the migrations."""
    query = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relkind = %s AND relname <> 'alembic_version' AND relnamespace = ANY (%s::regnamespace[])
          AND (has_table_privilege(%s, oid, 'SELECT') OR has_any_column_privilege(%s, oid, 'SELECT'))
    """
    return [row[0] for row in sites.rows(site, query, kind, SCHEMAS, role, role)]


def _as(site: Site, role: str) -> str:
    """The database as a service sees it."""
    password = (site.passwords / role).read_text()
    return psycopg.conninfo.make_conninfo(site.superuser(), user=role, password=password)


def _seen(connection: "psycopg.Connection[Any]", table: str, agency: str) -> set[str]:
    connection.execute("SELECT set_config('renkei.agencies', %s, false)", [agency])
    return {row[0] for row in connection.execute(SQL("SELECT DISTINCT agency FROM ") + _name(table)).fetchall()}


def _insert(connection: "psycopg.Connection[Any]", table: str, agency: str, key: str = "x") -> None:
    """A row of the agency, whatever the columns are."""
    fixed = {"agency": agency, **CONSTRAINED.get(table, {})}
    types = _columns(connection, table)
    values = {name: fixed.get(name, key if kind == "text" else VALUES[kind]) for name, kind in types.items()}
    names, given = (
        SQL(", ").join(part) for part in zip(*((Identifier(n), Literal(v)) for n, v in values.items()), strict=True)
    )
    connection.execute(SQL("INSERT INTO {} ({}) VALUES ({})").format(_name(table), names, given))


def _columns(connection: "psycopg.Connection[Any]", table: str) -> dict[str, str]:
    """Column and type, but for those that the database numbers itself."""
    return {name: kind for name, kind, identity in connection.execute(COLUMNS, [table]).fetchall() if not identity}


def _name(table: str) -> Identifier:
    return Identifier(*table.split("."))


def test_a_role_holds_up_neither_a_migration_nor_a_revocation(site: Site) -> None:
    """Advisory locks are open to every role, so nothing of the site waits for one; the locks that it takes are refused to
    whoever owns nothing there."""
    own = _as(site, role_of("gateway"))
    with psycopg.connect(own) as busybody:
        busybody.execute("SELECT pg_advisory_lock(%s)", [0x72656E6B6569])
        busybody.execute("SELECT pg_advisory_lock(hashtext('renkei.hub.publications'))")
        lifecycle.migrate(site)
        asyncio.run(publication.publish(site))
    for table in ("hub.publications", "pg_catalog.pg_authid"):
        with psycopg.connect(own) as busybody, pytest.raises(InsufficientPrivilege):
            busybody.execute(f"LOCK TABLE {table} IN ACCESS SHARE MODE")
