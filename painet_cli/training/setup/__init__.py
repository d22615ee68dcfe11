"""From a preset to what is there before the first epoch: held-out kernels, members of a stack."""
