"""From one process to many: what they share and how they meet."""
