"""The command line: parse, call, render. No science here, no torch at import time."""
