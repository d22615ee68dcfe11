from painet_cli.plugins import *
