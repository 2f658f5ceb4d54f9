"""Alembic's entry: the connection comes from `server.db.Database.migrate`."""

from alembic import context
from sqlmodel import SQLModel

from server import models

assert models

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
