"""The sample catalog, which the library draws itself."""
