"""The command ``weir``: one file a command, registered by name in ``main``.

| module    | what it gives the commands                                                              |
|-----------|-----------------------------------------------------------------------------------------|
| `session` | the home, the settings that hold for it, the topics                                     |
| `errors`  | exit codes; what each expected exception means to a person                              |
| `output`  | tables for people, one JSON document for programs, progress on stderr                   |
| `options` | options that several commands share, and how their values are read                      |
"""
