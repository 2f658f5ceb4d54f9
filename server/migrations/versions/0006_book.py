"""covers, goals, numbering, what revisions changed, snapshots

Revision ID: 0006
Revises: 0004

"""

import re

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0004'
branch_labels = None
depends_on = None

COVERS = ('ink', 'azurite', 'malachite', 'gamboge', 'ochre', 'rouge', 'indigo', 'ash')
LONG_AGO = '1970-01-01 00:00:00'

# Columns are added and dropped one by one: SQLite would otherwise make the table anew, and
# dropping the old one takes along every row that belongs to it.
COLUMNS = {
    'work': (
        sa.Column('cover', sa.String(length=20), server_default='', nullable=False),
        sa.Column('goal', sa.Integer(), server_default='0', nullable=False),
        sa.Column('numbering', sa.String(length=20), server_default='own', nullable=False),
        sa.Column('unit', sa.String(length=20), server_default='章', nullable=False),
        sa.Column('edited_at', sa.DateTime(timezone=True), server_default=LONG_AGO, nullable=False),
    ),
    'chapter': (
        sa.Column('han', sa.Integer(), server_default='0', nullable=False),
        sa.Column('context', sa.JSON(), server_default='{}', nullable=False),
    ),
    'chapterrevision': (
        sa.Column('candidate', sa.Integer(), server_default='0', nullable=False),
        sa.Column('chars', sa.Integer(), server_default='0', nullable=False),
        sa.Column('added', sa.Integer(), server_default='0', nullable=False),
        sa.Column('removed', sa.Integer(), server_default='0', nullable=False),
        sa.Column('snapshot', sa.String(length=20), server_default='', nullable=False),
        sa.Column('label', sa.String(length=200), server_default='', nullable=False),
    ),
}


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column.copy())
    op.create_index('ix_chapterrevision_created_at', 'chapterrevision', ['created_at'])
    connection = op.get_bind()
    _bind(connection)
    for (chapter,) in connection.execute(sa.text('SELECT id FROM chapter')).all():
        _count(connection, chapter)
    connection.execute(sa.text(
        'UPDATE work SET edited_at = coalesce((SELECT max(r.created_at) FROM chapterrevision r'
        ' JOIN chapter c ON r.chapter_id = c.id WHERE c.work_id = work.id), created_at)'
    ))


def _bind(connection: sa.Connection) -> None:
    for (work,) in connection.execute(sa.text('SELECT id FROM work')).all():
        cover = COVERS[int(work, 16) % len(COVERS)]
        connection.execute(
            sa.text('UPDATE work SET cover = :cover WHERE id = :id'), {'cover': cover, 'id': work}
        )


def _count(connection: sa.Connection, chapter: str) -> None:
    """Characters of every revision, and what it grew or shrank by."""
    before, han = 0, 0
    query = sa.text('SELECT id, text FROM chapterrevision WHERE chapter_id = :id ORDER BY number')
    for revision, text in connection.execute(query, {'id': chapter}).all():
        chars, han = len(''.join(text.split())), len(re.findall('[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]', text))
        connection.execute(
            sa.text('UPDATE chapterrevision SET chars = :chars, added = :added, removed = :removed'
                    ' WHERE id = :id'),
            {'chars': chars, 'added': max(0, chars - before), 'removed': max(0, before - chars),
             'id': revision},
        )
        before = chars
    connection.execute(
        sa.text('UPDATE chapter SET han = :han WHERE id = :id'), {'han': han, 'id': chapter}
    )


def downgrade() -> None:
    op.drop_index('ix_chapterrevision_created_at', 'chapterrevision')
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column.name)
