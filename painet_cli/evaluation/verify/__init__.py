"""From a folder to whether it is what was written."""
