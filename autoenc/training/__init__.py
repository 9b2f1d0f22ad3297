"""Unlabeled images -> a bundle."""
