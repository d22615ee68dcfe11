"""From models by datasets to rows, tables and plots."""
