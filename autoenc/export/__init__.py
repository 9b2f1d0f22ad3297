"""Exports a model's encoder to formats that run elsewhere, each checked against the original."""
