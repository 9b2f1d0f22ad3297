"""Tables of metadata: read from CSV or Parquet, with a kind for each column."""
