"""The station's tables, changed by people as its actions change them: the same rows, the same events."""
