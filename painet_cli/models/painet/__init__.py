"""PAINET: from node features and positions to predicted positions, as in the paper."""
