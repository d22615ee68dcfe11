"""Print the commands of a Markdown page: the lines of its `sh` blocks, in order.

python scripts/readme_commands.py README.md | bash -euxo pipefail
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands(text: str) -> str:
    """Lines of all blocks marked `sh`; blocks of other kinds are there to be read."""
    return "".join(BLOCK.findall(text))


if __name__ == "__main__":
    sys.stdout.write(commands(Path(sys.argv[1]).read_text(encoding="utf-8")))
