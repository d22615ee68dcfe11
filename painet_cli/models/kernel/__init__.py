"""From windows written in the body's frame to the ridge regression that predicts them."""
