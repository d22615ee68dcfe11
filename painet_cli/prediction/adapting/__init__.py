"""From the frames before a start to what predicts best on held-out ones, and how sure it is."""
