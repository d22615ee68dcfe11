"""The benchmarks' commands: options to calls, rows to printed tables."""
