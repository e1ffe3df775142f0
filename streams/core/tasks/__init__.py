"""User tasks: what people are asked, and what may become of it.  Pure, like all of the core.

    spec      how a definition says whom it asks, when it reminds and escalates     form      answers against the form
    asked     what its texts render to                                              moments   when it reminds
    task      the state of an open task within its instance                         verdict   several approvers
    rules     who may do what, and why not

A task is *created* (nobody has it), *claimed* (``assignee`` has it: by a claim, an assignment or a delegation),
*completed* or *cancelled*.  Its id is ``<instance id>:<execution>``.  What happens to it are events of its instance.
"""
