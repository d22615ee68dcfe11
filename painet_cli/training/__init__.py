"""The training loop, stopping, checkpoints and devices."""
