"""The demo: real telemetry through the whole plant, beside what an oracle computes from the same file alone.

| module       | what it does                                                                                |
|--------------|---------------------------------------------------------------------------------------------|
| `series`     | reads ``timestamp,value`` files and cuts the labelled failure windows out of the built-in one |
| `oracle`     | what the process must do with a series, from its meaning alone; imports nothing of ``streams`` |
| `plan`       | what is played, and how fast                                                                 |
| `follow`     | the log of events, as it grows                                                               |
| `plant`      | the demo's own stack, clock, topics and definition, under a home of its own                  |
| `machines`   | the machines: they publish the series over MQTT, and count the commands that come back       |
| `results`    | what the database says happened                                                              |
| `report`     | the table, the checks, the JSON object                                                       |
| `run`        | the demo from beginning to end                                                               |
"""
