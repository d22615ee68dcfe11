"""From names and elements to particles, bonds and types."""
