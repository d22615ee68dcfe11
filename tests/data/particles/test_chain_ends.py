"""Structures that end in the middle of a residue are said to."""

from __future__ import annotations

import numpy as np

from painet_cli.data.particles.chain_ends import cut_note

RESIDUES = ["GLY 1", "ALA 2", "GLY 3"]
WHOLE = ["N", "CA", "C", "O"]


def said(last: list[str], before: list[str] = WHOLE) -> str:
    names = [*before, *before, *last]
    residue_of = np.repeat([0, 1, 2], [len(before), len(before), len(last)])
    return cut_note("a.pdb", names, residue_of, RESIDUES)


def test_a_last_residue_without_a_part_of_its_backbone_is_said() -> None:
    assert said(["N", "CA"]) == "a.pdb may be cut short: its last residue, GLY 3, has no C, O"
    assert said(["N", "CA", "CB", "C"]).endswith("has no O")


def test_a_whole_backbone_is_enough() -> None:
    assert not said(WHOLE)
    assert not said([*WHOLE, "CB", "OXT"])
    assert not said(["N", "CA", "C", "OC1", "OC2"])


def test_of_what_has_no_backbone_nothing_is_expected() -> None:
    assert not said(["CA"], before=["CA"])
    assert not said(["O", "H1"])  # water
    assert not said(["ZN"])
    assert not cut_note("a.pdb", [], np.zeros(0, dtype=np.int64), [])
