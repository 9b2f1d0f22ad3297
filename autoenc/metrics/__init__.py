"""Exact rankings, the scores of each query, and what may be concluded from them."""
