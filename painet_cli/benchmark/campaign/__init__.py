"""The whole benchmark: from a plan of cells to one small file a cell, and from those to a page."""
