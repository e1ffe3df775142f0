"""What ends a process, since waiting and trying again does not help: the message says why and names the setting."""


class RefusedError(Exception):
    """A service is there and does not let us in."""


class MqttUrlError(ValueError):
    """``WEIR_MQTT_URL`` is no address; the message does not repeat it, since it may hold a password."""
