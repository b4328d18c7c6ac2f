"""What the gateway may see of the ids that an agency has used: enough to know the same request again."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("""
        CREATE VIEW exchange.accepted AS
            SELECT agency, id, digest FROM exchange.decisions WHERE step = 'accept';
        GRANT SELECT ON exchange.accepted TO renkei_gateway;
    """)
