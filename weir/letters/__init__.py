"""Dead letters, seen and settled by people.

    letter.py      a record of ``process-dead-letters``: the letter, or what became of one
    selection.py   which letters somebody asks for
    reading.py     the topic read: letters, each with its fate
    sending.py     what to send for a letter that goes its normal way again, or why it cannot
    settling.py    retry and drop: one transaction for the record and for the letter's fate

Nothing is ever taken off the topic: a letter is open until a later record there tells what became of it.
"""
