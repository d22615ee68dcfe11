"""What several models share: message passing, sums over edges, time."""
