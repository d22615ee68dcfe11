"""The checks that every model of painet's passes, for models of other packages."""

from painet.testing.checks import Case, Check, Kit, cases, checks

__all__ = ["Case", "Check", "Kit", "cases", "checks"]
