"""prompt templates

Revision ID: 0003
Revises: 0002

"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('templateversion',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('name', sa.String(length=100), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=True),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('shipped', sa.Boolean(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('user', sa.Text(), nullable=False),
    sa.Column('assistant', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('templateversion', schema=None) as batch_op:
        batch_op.create_index('ix_template_name', ['name', 'work_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_templateversion_work_id'), ['work_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('templateversion', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_templateversion_work_id'))
        batch_op.drop_index('ix_template_name')

    op.drop_table('templateversion')
