"""`python -m painet_cli`, and with it `torchrun -m painet_cli`."""

import sys

from painet_cli.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
