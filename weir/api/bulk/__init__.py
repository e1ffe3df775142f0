"""Bulk operations: one command for each instance that meets a filter, page by page, over crashes of the gateway.

    operations.py  what can be done: each operation's parameters, and its command
    table.py       what was asked for, and how far it has come
    page.py        the commands of one page, sent once, and what became of them
    runner.py      works on what there is, beside the requests

A page is written down before it is sent, and its commands are one Kafka transaction under the operation's own
transactional id: whoever goes on after a crash fences the former gateway, and finds in the log all of the page's
commands or none.
"""
