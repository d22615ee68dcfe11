"""From a preset to what is there before the first epoch: trainer, held-out kernels, a stack."""
