"""Makes ``import cel`` cheap: the package would load its command line too, with a terminal toolkit and two web clients.

That is a fifth of the CPU that a role takes to start, and so of the time that a worker is missed after it was killed.
Imported before anything here imports ``cel``.
"""

import sys
from types import ModuleType

sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
