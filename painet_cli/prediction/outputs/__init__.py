"""From predicted positions to files that other programs open."""
