"""The short name of `painet_cli.plugins`."""

from painet_cli.plugins import __all__, __dir__, __doc__, __getattr__
