"""scenes progressions facts lorebooks recaps

Revision ID: 0002
Revises: 0001

"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('lorebook',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=True),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('scan_depth', sa.Integer(), nullable=False),
    sa.Column('token_budget', sa.Integer(), nullable=True),
    sa.Column('recursive', sa.Boolean(), nullable=False),
    sa.Column('max_recursion', sa.Integer(), nullable=False),
    sa.Column('extra', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('lorebook', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_lorebook_work_id'), ['work_id'], unique=False)

    op.create_table('recap',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=False),
    sa.Column('level', sa.String(length=20), nullable=False),
    sa.Column('target_id', sa.String(length=64), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('maker', sa.String(length=300), nullable=False),
    sa.Column('source_hash', sa.String(length=64), nullable=False),
    sa.Column('sources', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('work_id', 'level', 'target_id')
    )
    with op.batch_alter_table('recap', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_recap_work_id'), ['work_id'], unique=False)

    op.create_table('fact',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=False),
    sa.Column('character_id', sa.String(length=32), nullable=True),
    sa.Column('entity', sa.String(length=200), nullable=False),
    sa.Column('attribute', sa.String(length=200), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('since_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('since_offset', sa.Integer(), nullable=False),
    sa.Column('until_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('until_offset', sa.Integer(), nullable=False),
    sa.Column('known_by', sa.JSON(), nullable=True),
    sa.Column('evidence', sa.Text(), nullable=False),
    sa.Column('evidence_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('evidence_start', sa.Integer(), nullable=False),
    sa.Column('evidence_end', sa.Integer(), nullable=False),
    sa.Column('evidence_revision', sa.Integer(), nullable=False),
    sa.Column('origin', sa.String(length=20), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['character_id'], ['character.id'], ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('fact', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_fact_character_id'), ['character_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_fact_work_id'), ['work_id'], unique=False)

    op.create_table('loreentry',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('lorebook_id', sa.String(length=32), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('content', sa.Text(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('constant', sa.Boolean(), nullable=False),
    sa.Column('keys', sa.JSON(), nullable=False),
    sa.Column('secondary_keys', sa.JSON(), nullable=False),
    sa.Column('logic', sa.String(length=20), nullable=False),
    sa.Column('case_sensitive', sa.Boolean(), nullable=False),
    sa.Column('whole_words', sa.Boolean(), nullable=False),
    sa.Column('scan_depth', sa.Integer(), nullable=True),
    sa.Column('place_order', sa.Integer(), nullable=False),
    sa.Column('priority', sa.Integer(), nullable=False),
    sa.Column('placement', sa.String(length=20), nullable=False),
    sa.Column('depth', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(length=20), nullable=False),
    sa.Column('probability', sa.Integer(), nullable=False),
    sa.Column('exclude_recursion', sa.Boolean(), nullable=False),
    sa.Column('prevent_recursion', sa.Boolean(), nullable=False),
    sa.Column('delay_until_recursion', sa.Integer(), nullable=False),
    sa.Column('inclusion_group', sa.String(length=200), nullable=False),
    sa.Column('group_override', sa.Boolean(), nullable=False),
    sa.Column('group_weight', sa.Integer(), nullable=False),
    sa.Column('sticky', sa.Integer(), nullable=False),
    sa.Column('cooldown', sa.Integer(), nullable=False),
    sa.Column('delay', sa.Integer(), nullable=False),
    sa.Column('since_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('since_offset', sa.Integer(), nullable=False),
    sa.Column('until_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('until_offset', sa.Integer(), nullable=False),
    sa.Column('known_by', sa.JSON(), nullable=True),
    sa.Column('extra', sa.JSON(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['lorebook_id'], ['lorebook.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('loreentry', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_loreentry_lorebook_id'), ['lorebook_id'], unique=False)

    op.create_table('progression',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=False),
    sa.Column('character_id', sa.String(length=32), nullable=False),
    sa.Column('label', sa.String(length=100), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('since_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('since_offset', sa.Integer(), nullable=False),
    sa.Column('until_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('until_offset', sa.Integer(), nullable=False),
    sa.Column('known_by', sa.JSON(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['character_id'], ['character.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('progression', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_progression_character_id'), ['character_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_progression_work_id'), ['work_id'], unique=False)

    op.create_table('scene',
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('work_id', sa.String(length=32), nullable=False),
    sa.Column('chapter_id', sa.String(length=32), nullable=False),
    sa.Column('start', sa.Integer(), nullable=False),
    sa.Column('end', sa.Integer(), nullable=True),
    sa.Column('label', sa.String(length=200), nullable=False),
    sa.Column('after_chapter_id', sa.String(length=32), nullable=True),
    sa.Column('rank', sa.Float(), nullable=False),
    sa.Column('backstory', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['chapter_id'], ['chapter.id'], ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['work_id'], ['work.id'], ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('scene', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_scene_chapter_id'), ['chapter_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_scene_work_id'), ['work_id'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('scene', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_scene_work_id'))
        batch_op.drop_index(batch_op.f('ix_scene_chapter_id'))

    op.drop_table('scene')
    with op.batch_alter_table('progression', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_progression_work_id'))
        batch_op.drop_index(batch_op.f('ix_progression_character_id'))

    op.drop_table('progression')
    with op.batch_alter_table('loreentry', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_loreentry_lorebook_id'))

    op.drop_table('loreentry')
    with op.batch_alter_table('fact', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_fact_work_id'))
        batch_op.drop_index(batch_op.f('ix_fact_character_id'))

    op.drop_table('fact')
    with op.batch_alter_table('recap', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_recap_work_id'))

    op.drop_table('recap')
    with op.batch_alter_table('lorebook', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_lorebook_work_id'))

    op.drop_table('lorebook')
