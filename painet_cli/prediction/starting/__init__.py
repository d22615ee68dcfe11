"""From the frames that are asked for to checked starts, and batches of them."""
