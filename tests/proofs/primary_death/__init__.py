"""The primary's node dies under a writer; no acknowledged row may be lost."""
