"""Every SQL statement: schema, migrations, repository."""
