"""What becomes of commands, followed by one consumer for all requests.

follower.py  the consumer: process-events, process-rejections and process-dead-letters, committed records only
outcomes.py  who waits for the outcome of a command
endings.py   who waits for the end of an instance
feed.py      who listens to events
missed.py    what a listener has missed, from the topic
rights.py    whether a listener still may
answers.py   who sees the answers to tasks in them
lately.py    what was sent and refused lately, for questions that come before the projector has caught up
"""
