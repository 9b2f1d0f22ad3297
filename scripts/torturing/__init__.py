"""The trials of `scripts/torture.py`."""
