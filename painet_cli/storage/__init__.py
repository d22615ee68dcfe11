"""From bytes to files that are whole, locked, checked and known: how anything is written."""
