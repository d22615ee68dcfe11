"""From a benchmark's raw files to a prepared dataset."""
