"""From text and arrays that MDAnalysis does not read to skeletons and frames."""
