"""The host half: real roles on lab hosts, mutated and surveyed from outside the engine."""
