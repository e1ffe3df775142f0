"""Processes under test: a whole plant in memory, under a virtual clock.

    *.test.yaml ─► read ─► run ─► VirtualPlant (router, processors, actions on fakes) ─► compare, coverage

| module     | what it has                                                          |
|------------|----------------------------------------------------------------------|
| `case`     | what a file of tests may say, as models; `series`, `steps`: parts of it |
| `read`     | a file and its definitions, or their problems; `names` checks names    |
| `plant`    | the plant; `observed`: what became of its instances                    |
| `run`      | runs a test; `compare`: what is not as it expects                      |
| `coverage` | what of a definition was run                                           |
| `fixtures` | the same for pytest                                                    |

Router, processors and performers are those of production; what is in memory are the topics, the table and the world.
"""
