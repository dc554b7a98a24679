"""Steps of the store's schema, run by Alembic when a store is opened."""
