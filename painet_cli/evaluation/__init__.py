"""Metrics, rollouts and what a model costs."""
