"""a conversation's members, who spoke, and what personas are called

Revision ID: 0011
Revises: 0010

"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAMED = 100


def upgrade() -> None:
    op.create_table(
        "member",
        sa.Column("conversation_id", sa.String(length=32), nullable=False),
        sa.Column("persona_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversation.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("conversation_id", "persona_id"),
    )
    op.add_column("chatmessage", sa.Column("persona_id", sa.String(length=32), nullable=True))
    op.add_column(
        "persona",
        sa.Column("nickname", sa.String(length=100), nullable=False, server_default=""),
    )
    # Until now everybody spoke with one alone.
    op.execute(
        "INSERT INTO member (conversation_id, persona_id, name, position, muted, present)"
        " SELECT c.id, p.id, p.name, 0, false, true"
        " FROM conversation c JOIN persona p ON p.id = c.persona_id"
    )
    op.execute(
        "UPDATE chatmessage SET persona_id = (SELECT c.persona_id FROM conversation c"
        " WHERE c.id = chatmessage.conversation_id) WHERE role = 'assistant'"
    )
    _nicknames()


def _nicknames() -> None:
    """Cards of version 3 brought them, and they were kept with what else the card said."""
    persona = sa.table("persona", sa.column("id"), sa.column("extra"), sa.column("nickname"))
    bind = op.get_bind()
    for row in bind.execute(sa.select(persona.c.id, persona.c.extra)).all():
        told = json.loads(row.extra) if isinstance(row.extra, str) else row.extra or {}
        nickname = told.get("card", {}).get("data", {}).get("nickname")
        if isinstance(nickname, str) and nickname.strip():
            called = " ".join(nickname.split())[:NAMED].strip()
            change = sa.update(persona).where(persona.c.id == row.id)
            bind.execute(change.values(nickname=called))


def downgrade() -> None:
    op.drop_column("persona", "nickname")
    op.drop_column("chatmessage", "persona_id")
    op.drop_table("member")
