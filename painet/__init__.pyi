from painet_cli import *
from painet_cli import __version__ as __version__
