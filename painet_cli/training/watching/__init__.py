"""A training to those who watch it: callbacks, recorders, and what it is expected to take."""
