"""Exact rankings, a score per query, and bootstrap intervals over queries."""
