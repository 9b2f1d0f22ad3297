"""Unlabeled pictures -> a bundle."""
