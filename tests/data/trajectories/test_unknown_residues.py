"""Residues that are left out of a chain: unknown to MDAnalysis, or beside another at one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from painet_cli.prediction.checkpoints import find_checkpoint
from painet_cli.prediction.inputs.open import open_input
from recordings import forecast_recording


def chain(folder: Path) -> Path:
    """Alanine, D-alanine, phosphoserine, glycine; their backbones and a zinc ion."""
    names = ("N", "CA", "C", "O")
    rows = [
        (name, residue, number, 3.8 * number + 1.4 * k, 1.2 * (name == "O"))
        for number, residue in enumerate(("ALA", "DAL", "SEP", "GLY"), 1)
        for k, name in enumerate(names)
    ]
    text = "".join(
        f"ATOM  {k:5d}  {name:<3s} {residue} A{number:4d}    {x:8.3f}{y:8.3f}   0.000"
        f"  1.00  0.00           {name[0]}\n"
        for k, (name, residue, number, x, y) in enumerate(rows, 1)
    )
    path = folder / "chain.pdb"
    zinc = "HETATM   17 ZN    ZN A   5       9.000   9.000   0.000  1.00  0.00          ZN\n"
    path.write_text(f"{text}{zinc}END\n")
    return path


def said(path: Path, language: str) -> str:
    with open_input(path) as recording:
        return " ".join(recording.read(recording.select(language)).notes)


def test_of_several_selections_that_are_tried_the_chosen_one_counts(tmp_path: Path) -> None:
    """The notes were those of the last one that was tried, the C-alphas."""
    with open_input(chain(tmp_path)) as recording:
        known = [find_checkpoint("protein-backbone")]
        made = forecast_recording(recording, 1, known)
    assert made.selected.language == "backbone"
    assert any("(DAL, SEP)" in one for one in made.forecast.warnings)


def test_amino_acids_without_a_common_name_are_said_to_be_left_out(tmp_path: Path) -> None:
    path = chain(tmp_path)
    found = said(path, "backbone")
    assert "2 residues with a backbone" in found
    assert "(DAL, SEP)" in found
    assert "name N CA C O" in found


def test_where_they_are_selected_nothing_is_said(tmp_path: Path) -> None:
    path = chain(tmp_path)
    assert not said(path, "name N CA C O")
    assert not said(path, "backbone or resname DAL SEP")


@pytest.mark.parametrize(("share", "kept"), [(0.6, "SER"), (0.4, "ALA")])
def test_of_two_amino_acids_at_one_place_one_is_taken(
    tmp_path: Path, share: float, kept: str
) -> None:
    """As in crambin (1EJG): both were in the chain, a tenth of an angstrom apart."""
    rows = [
        (name, residue, place, k, share if place == "A" else 1 - share)
        for k, name in enumerate(("N", "CA", "C", "O", "CB", "OG"))
        for residue, place in (("SER", "A"), ("ALA", "B"))
        if (name, residue) != ("OG", "ALA")
    ]
    path = tmp_path / "a.pdb"
    path.write_text(
        "".join(
            f"ATOM  {n:5d}  {name:<3s}{place}{residue} A  22    "
            f"{1.4 * k + 0.1 * (place == 'B'):8.3f}{1.2 * (name == 'O'):8.3f}   0.000"
            f"{occupancy:6.2f}  0.00           {name[0]}\n"
            for n, (name, residue, place, k, occupancy) in enumerate(rows, 1)
        )
        + "END\n"
    )
    with open_input(path) as recording:
        chosen = recording.select("all")
    assert {*chosen.particles.residues} == {kept}
    assert len(chosen.indices) == {"SER": 6, "ALA": 5}[kept]
    assert "1 residue is in several places" in chosen.notes[0]
