"""The checks that every model of painet's passes, for models of other packages."""

from painet_cli.testing.checks import Check, checks
from painet_cli.testing.kit import Case, Kit, cases
from painet_cli.testing.systems import equal_systems

__all__ = ["Case", "Check", "Kit", "cases", "checks", "equal_systems"]
