"""From a file to its refusal: its bytes cannot hold what it says, or MDAnalysis cannot read it."""
