"""What a service expects of its schema is what a migration brings it to."""

import pytest
from alembic.script import ScriptDirectory

from services.runtime.migrations import configuration
from services.runtime.revisions import folder, head
from services.topology import SERVICES

TABLES = [service.name for service in SERVICES if service.tables]


@pytest.mark.parametrize("service", TABLES)
def test_the_names_of_the_files_tell_the_head(service: str) -> None:
    """Alembic, which reads what is in them, comes to the same."""
    assert head(service) == ScriptDirectory.from_config(configuration(service)).get_current_head()


@pytest.mark.parametrize("service", TABLES)
def test_every_file_is_named_by_its_revision(service: str) -> None:
    revisions = ScriptDirectory.from_config(configuration(service)).walk_revisions()
    named = {path.name.partition("_")[0] for path in folder(service).glob("*.py")}
    assert named == {revision.revision for revision in revisions}
