"""Models whose training steps are recorded, small and with few steps ahead."""

from __future__ import annotations

from painet_cli.testing import Kit, cases

NARROW = {"layers": 2, "hidden": 8}
SMALL = {**NARROW, "heads": 2}
KITS = {
    "linear": Kit(reads_features=False, horizons=(2,)),
    "rf": Kit((NARROW,), horizons=(1,)),
    "mpnn": Kit((NARROW,), horizons=(1,)),
    "egnn": Kit((NARROW,), horizons=(2,)),
    "egno": Kit((NARROW,), horizons=(2,)),
    "hegnn": Kit((NARROW,), horizons=(2,)),
    "atom": Kit((SMALL,), horizons=(2,)),
    "painet": Kit(
        tuple({**SMALL, "attention": form} for form in ("dense", "factorised")), horizons=(2,)
    ),
}
CASES = [case for name, kit in KITS.items() for case in cases(name, kit)]
