"""How alembic reaches a store: over the connection that `upgrading` hands it, inside that transaction."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
