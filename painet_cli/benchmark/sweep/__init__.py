"""From a search space to trials ranked by their validation error."""
