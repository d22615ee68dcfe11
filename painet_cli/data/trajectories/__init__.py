"""From molecular trajectories to particles and frames, and back."""
