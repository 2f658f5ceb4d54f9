"""relations, threads, portraits, colours and voices of characters, beats ticked off, rewriting

Revision ID: 0007
Revises: 0006

"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None

PIGMENTS = ('ink', 'azurite', 'malachite', 'gamboge', 'ochre', 'rouge', 'indigo', 'ash')


def upgrade() -> None:
    # Column by column: making the table anew would take along every row that belongs to it.
    op.add_column('character', sa.Column('color', sa.String(length=20), server_default='ink', nullable=False))
    op.add_column('character', sa.Column('summary', sa.String(length=500), server_default='', nullable=False))
    op.add_column('character', sa.Column('voice', sa.JSON(), server_default='[]', nullable=False))
    op.add_column('outlinenode', sa.Column('done', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('outlinenode', sa.Column('color', sa.String(length=20), server_default='', nullable=False))
    op.add_column('generation', sa.Column('kind', sa.String(length=20), server_default='continue', nullable=False))
    op.add_column('generation', sa.Column('end', sa.Integer(), nullable=True))
    character = sa.table('character', sa.column('position', sa.Integer), sa.column('color', sa.String))
    for place, name in enumerate(PIGMENTS):
        op.execute(
            character.update().where(character.c.position % len(PIGMENTS) == place).values(color=name)
        )

    op.create_table('relation',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=False),
    sa.Column('a', sa.String(length=32), nullable=False),
    sa.Column('b', sa.String(length=32), nullable=False),
    sa.Column('label', sa.String(length=100), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('mutual', sa.Boolean(), nullable=False),
    sa.Column('since_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('since_offset', sa.Integer(), nullable=False),
    sa.Column('until_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('until_offset', sa.Integer(), nullable=False),
    sa.Column('known_by', sa.JSON(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['a'], ['character.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['b'], ['character.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('relation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_relation_a'), ['a'], unique=False)
        batch_op.create_index(batch_op.f('ix_relation_b'), ['b'], unique=False)
        batch_op.create_index(batch_op.f('ix_relation_work_id'), ['work_id'], unique=False)

    op.create_table('thread',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=False),
    sa.Column('title', sa.String(length=200), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('importance', sa.Integer(), nullable=False),
    sa.Column('due_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('due_note', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('thread', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_thread_work_id'), ['work_id'], unique=False)

    op.create_table('threadevent',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('thread_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('chapter_id', sa.String(length=32), nullable=False),
    sa.Column('offset', sa.Integer(), nullable=False),
    sa.Column('quote', sa.Text(), nullable=False),
    sa.Column('quote_changed', sa.Boolean(), nullable=False),
    sa.Column('note', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['thread_id'], ['thread.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('threadevent', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_threadevent_chapter_id'), ['chapter_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_threadevent_thread_id'), ['thread_id'], unique=False)

    op.create_table('portrait',
    sa.Column('character_id', sa.String(length=32), nullable=False),
    sa.Column('image', sa.LargeBinary(), nullable=False),
    sa.Column('sha256', sa.String(length=64), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['character_id'], ['character.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('character_id')
    )


def downgrade() -> None:
    op.drop_table('portrait')
    op.drop_table('threadevent')
    op.drop_table('thread')
    op.drop_table('relation')
    op.drop_column('generation', 'end')
    op.drop_column('generation', 'kind')
    op.drop_column('outlinenode', 'color')
    op.drop_column('outlinenode', 'done')
    op.drop_column('character', 'voice')
    op.drop_column('character', 'summary')
    op.drop_column('character', 'color')
