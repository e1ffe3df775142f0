"""Processes under test: a whole plant in memory, under a virtual clock.

    *.test.yaml ─► case ─► run ─► VirtualPlant (router, processors, actions on fakes) ─► report, coverage

Router, processors and performers are those of production; what is in memory are the topics, the table and the world.
"""
