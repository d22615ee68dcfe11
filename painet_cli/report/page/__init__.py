"""From a prediction to one HTML page."""
