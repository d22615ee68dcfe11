"""From a prepared dataset to windows and batches with their graphs."""
