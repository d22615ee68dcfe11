from painet_cli import *

__all__: list[str]
