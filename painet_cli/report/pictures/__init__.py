"""From figures and positions to plots and pictures."""
