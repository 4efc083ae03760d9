"""Plan = apply: live state is moved at random, and what is predicted must be what is done.

`hosts` moves files, modes, units, packages, programs, accounts and kernel settings of lab hosts;
`cluster` moves objects, labels and taints at a real API server. `python -m tests.proofs.plan`.
"""
