"""The sample catalog, drawn by the library."""
