"""From windows that were not trained on to how sure a prediction is, and how far off a start."""
