"""Names of data sources and the datasets they make: a new source is one file and one line here."""

from __future__ import annotations

from fnmatch import fnmatch

# dataset name pattern -> the command that prepares it
_COMMANDS = {
    "mocap-walk": "painet prepare mocap --subject 35",
    "mocap-run": "painet prepare mocap --subject 9",
    "sample": "painet prepare sample",
}


def how_to_prepare(dataset: str) -> str:
    """One line that says how a dataset is prepared."""
    for pattern, command in _COMMANDS.items():
        if fnmatch(dataset, pattern):
            return f"prepare it: `{command}`"
    return "`painet prepare --help` lists the sources a dataset can be prepared from"
