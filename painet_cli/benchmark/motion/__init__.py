"""From prepared motion capture to errors in millimetres at the times that the field prints."""
