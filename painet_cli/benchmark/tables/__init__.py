"""What stands in a benchmark's tables: their columns, and the notes below."""
