"""The definitions repository, from outside: files and folders on one side, what is deployed on the other.

files ─ plan ─► steps ─ apply ─► commands ─► the processor, which alone decides
             ▲
process-definitions ─ read_deployed
"""

from weir.repository.deployed import read_deployed
from weir.repository.plan import Candidate, Step, plan

__all__ = ["Candidate", "Step", "plan", "read_deployed"]
