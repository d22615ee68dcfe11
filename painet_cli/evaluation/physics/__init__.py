"""From positions to bond lengths, clashes and sizes."""
