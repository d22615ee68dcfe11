"""From a batch to weights that have moved: gradients, optimisers, rates."""
