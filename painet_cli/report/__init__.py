"""Tables, plots and pictures made from results."""
