"""The one exception for a service that is there and does not let us in."""


class RefusedError(Exception):
    """Waiting and trying again does not help: the message says why and names the setting.  It ends a process."""
