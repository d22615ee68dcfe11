"""From text and arrays that MDAnalysis does not read, or reads in part, to atoms and frames."""
