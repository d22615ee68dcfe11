"""The short name of `painet_cli.testing`."""

from painet_cli.testing import *
from painet_cli.testing import __all__, __doc__
