"""Row-level security that lets the planner look rows up by their keys."""

from alembic import op

from services.runtime.migrations import isolated_by_key

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(isolated_by_key("hub.decisions", "hub.persons", "hub.provisions", "hub.publications"))
