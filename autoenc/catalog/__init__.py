"""Images and what is known of them, in a store."""
