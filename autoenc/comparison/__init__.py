"""Every encoder on one split of the same images: per-query scores, intervals."""
