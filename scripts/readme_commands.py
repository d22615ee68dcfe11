"""Print the commands of Markdown pages: the lines of their `sh` blocks, in order.

python scripts/readme_commands.py README.md docs/tutorial.md | bash -euxo pipefail
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
    for page in sys.argv[1:]:
        sys.stdout.write(commands(Path(page).read_text(encoding="utf-8")))
