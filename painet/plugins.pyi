from painet_cli.plugins import *

__all__: list[str]
