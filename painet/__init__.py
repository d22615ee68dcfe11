"""The short name of `painet_cli`, which holds everything: `painet.load is painet_cli.load`."""

from painet_cli import __all__, __dir__, __doc__, __getattr__, __version__
