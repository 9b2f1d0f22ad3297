"""Find image files, read and decode them, and make altered copies."""
