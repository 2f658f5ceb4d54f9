"""what settled in the prompt of a generation

Revision ID: 0004
Revises: 0003

"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('generation', schema=None) as batch_op:
        batch_op.add_column(sa.Column('settled', sa.JSON(), server_default='{}', nullable=False))
        batch_op.drop_index('ix_generation_chapter_id')
        batch_op.create_index('ix_generation_latest', ['chapter_id', 'created_at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('generation', schema=None) as batch_op:
        batch_op.drop_index('ix_generation_latest')
        batch_op.create_index('ix_generation_chapter_id', ['chapter_id'], unique=False)
        batch_op.drop_column('settled')
