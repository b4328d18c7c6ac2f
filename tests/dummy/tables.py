"""The tables of `second` for a test, in its role: what a step of it sees."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from services.runtime import migrations
from services.runtime.directory import Directory
from services.runtime.keys import KeyRings
from services.runtime.memory import MemoryLog
from services.runtime.postgres import Database, database, role_of
from services.runtime.service import Environment
from services.runtime.settings import Settings
from tests.dummy.chain import REVISIONS
from tests.dummy.site import PASSWORD, without_user


def now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def tables(folder: Path, postgres: str) -> AsyncIterator[Database]:
    """Made where they are missing; what other tests have left in them stays."""
    migrations.prepare(postgres, {role_of("second"): PASSWORD})
    migrations.migrate(postgres, "second", role_of("second"), REVISIONS)
    (folder / role_of("second")).write_text(PASSWORD)
    settings = Settings(
        kafka="",
        postgres=without_user(postgres),
        passwords=folder,
        keys=folder,
        key_encryption_key=folder,
        roots=folder,
        http=0,
    )
    environment = Environment("second", settings, Directory({}, now), KeyRings(folder, b"", ""), MemoryLog(now), now)
    async with database(environment, revisions=REVISIONS) as opened:
        yield opened
