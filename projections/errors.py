"""What can stop the projector, or a replay.  Every one of these ends the process; a supervisor restarts a projector.

ProjectionError
├── NotOwnerError              another projector moved a position: it owns the partition now
├── BrokenRecordError          a record that is the truth (an event, a definition) cannot be projected, nor be skipped
│   └── UpgradeNeededError     it was written by a newer Weir
├── TopicRecreatedError        positions in the database belong to another incarnation of the topic
├── RecordsLostError           Kafka no longer has records that the database still lacks
├── MigrationError             the database's schema and this program do not fit together
└── ReplayError                a replay cannot rebuild the tables; they are as they were
    └── ReplayRunningError     another one is at work on this database

A database or broker that is away is none of these: the projector waits for it.
"""


class ProjectionError(Exception):
    """The projector cannot go on; the message says where, why, and what to do."""


class NotOwnerError(ProjectionError):
    """Another projector has moved the position.  Nothing of the batch was written."""


class BrokenRecordError(ProjectionError):
    """A record of the truth cannot be projected."""


class UpgradeNeededError(BrokenRecordError):
    """A record was written by a newer version of Weir."""


class TopicRecreatedError(ProjectionError):
    """The topic was deleted and created anew since the positions were written."""


class RecordsLostError(ProjectionError):
    """The log begins after the position: records that were never projected are gone."""


class MigrationError(ProjectionError):
    """The schema cannot be brought to what this program needs."""


class ReplayError(ProjectionError):
    """The tables cannot be rebuilt, or not be swapped.  The live tables are as they were."""


class ReplayRunningError(ReplayError):
    """Another replay is at work on this database."""
