"""Presets: what an experiment is, as checked data."""
