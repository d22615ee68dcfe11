"""The command `painet`, `python -m painet_cli`, and with it `torchrun -m painet_cli`."""

import signal
import sys


def main() -> int:
    """Run the program; until it is loaded and has a word to say, an interrupt ends it silently."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from painet_cli.cli.app import main as program

    return program()


if __name__ == "__main__":
    sys.exit(main())
