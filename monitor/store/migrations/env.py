"""How Alembic runs the steps: on the connection that opens the store, inside its transaction."""

from alembic import context

from monitor.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
