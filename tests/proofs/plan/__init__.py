"""Plan = apply: live state is moved at random, and what is predicted must be what is done.

`hosts` moves files, modes, units, packages, programs, accounts and kernel settings of lab hosts;
`cluster` moves objects, labels and taints at a real API server. `python -m tests.proofs.plan`.
"""

import sys
from pathlib import Path

# As a command it has no pytest that would put the collection on the path.
_COLLECTIONS = str(Path(__file__).resolve().parents[3] / "collections")
if _COLLECTIONS not in sys.path:
    sys.path.insert(0, _COLLECTIONS)
