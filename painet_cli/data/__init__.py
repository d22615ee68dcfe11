"""Raw sources to one dataset on disk, to windows, to batches."""
