"""From a file and a checkpoint to predicted positions."""
