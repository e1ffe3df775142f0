"""The database's schema: numbered SQL files, applied in order, each once, never edited afterwards.

To change the schema add ``NNN_what.sql`` with the next number.  ``migrate`` runs what a database lacks; projectors call
it when they start, ``weir migrate`` calls it too.
"""

from projections.migrations.migrate import migrate

__all__ = ["migrate"]
