"""what a persona remembers of a conversation

Revision ID: 0012
Revises: 0011

"""

import sqlalchemy as sa
from alembic import op

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('talksummary',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('upto_id', sa.String(length=32), nullable=False),
    sa.Column('since_id', sa.String(length=32), nullable=True),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('maker', sa.String(length=300), nullable=False),
    sa.Column('source_hash', sa.String(length=64), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['upto_id'], ['chatmessage.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('conversation_id', 'upto_id')
    )
    op.create_index(
        'ix_talksummary_conversation_id', 'talksummary', ['conversation_id'], unique=False
    )
    op.create_index('ix_talksummary_upto_id', 'talksummary', ['upto_id'], unique=False)

    op.create_table('talkmemory',
    sa.Column('conversation_id', sa.String(length=32), nullable=False),
    sa.Column('others', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('conversation_id')
    )


def downgrade() -> None:
    for table in ('talkmemory', 'talksummary'):
        op.drop_table(table)
