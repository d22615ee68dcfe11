from painet_cli import *
