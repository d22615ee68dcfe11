"""From predicted and real frames to how alike their distributions are."""
