"""Run by Alembic: applies revisions on the connection that `cratehand.catalogue.migrate` lends, in its transaction."""

from alembic import context

from cratehand.catalogue import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    # SQLite can not alter much of a table in place; Alembic then builds it anew beside the old one.
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
