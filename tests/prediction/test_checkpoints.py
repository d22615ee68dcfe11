"""Which checkpoint predicts which particles, and why another does not."""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from painet_cli.config.models import KernelConfig
from painet_cli.data.particles.particles import Particles
from painet_cli.data.particles.structure import structure_of
from painet_cli.errors import RequestError
from painet_cli.prediction import checkpoints
from painet_cli.prediction.checkpoints import Checkpoint, find_checkpoint, shipped, trained_runs
from painet_cli.prediction.choosing import Choice, choose
from painet_cli.prediction.inputs.recording import Selected
from painet_cli.prediction.inputs.selections import SelectedSystem
from painet_cli.prediction.likeness import compare
from painet_cli.prediction.loading import load
from painet_cli.prediction.matching import MisfitError, check_fit
from painet_cli.training.checkpoint import Header


def selected(elements: Sequence[str], language: str = "all", *, bonded: bool = True) -> Selected:
    kinds = sorted(set(elements))
    bonds = tuple((k, k + 1) for k in range(len(elements) - 1)) if bonded else ()
    particles = Particles(
        names=tuple(elements),
        types=tuple(kinds.index(one) for one in elements),
        type_names=tuple(kinds),
        bonds=bonds,
        elements=tuple(elements),
    )
    return Selected(language, particles, np.arange(len(elements)))


ETHANOL = selected("CCOHHHHHH")
HEAVY = selected("CCO", "heavy")


@pytest.fixture
def trained(finished_run: Path) -> Checkpoint:
    return find_checkpoint(finished_run)


def like(
    trained: Checkpoint,
    name: str,
    composition: dict[str, int],
    origin: str,
    of: Selected | None = None,
) -> Checkpoint:
    """A checkpoint of a system `of` these atoms; without them, of no structure, as of old."""
    header = trained.header.model_copy(
        update={
            "type_names": tuple(composition),
            "composition": composition,
            "structure": candidate(of).structure if of else None,
        }
    )
    return replace(trained, name=name, header=header, origin=origin)


def taken(candidates: list[Selected], known: list[Checkpoint]) -> Choice:
    return choose([candidate(one) for one in candidates], known, "angstrom", None, moving=False)


def candidate(one: Selected) -> SelectedSystem:
    """A zigzag of these atoms, 1.5 apart."""
    count = len(one.particles.names)
    x = np.stack([1.25 * np.arange(count), 0.83 * (np.arange(count) % 2), np.zeros(count)], axis=1)
    return SelectedSystem(one, structure_of(one.particles, x[None], "angstrom"))


def header_with(header: Header, **data: object) -> Header:
    preset = header.preset.model_copy(update={"data": header.preset.data.model_copy(update=data)})
    return header.model_copy(update={"preset": preset})


def test_a_run_a_file_and_a_name_are_found(finished_run: Path, tmp_path: Path) -> None:
    by_folder, by_file = load(finished_run, "cpu"), load(finished_run / "best.safetensors", "cpu")
    assert by_folder.header == by_file.header
    assert not by_folder.model.training
    with pytest.raises(RequestError, match="no run folder, file or shipped checkpoint"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize(("split", "known"), [("test", 0.5), ("train", None)])
def test_the_figure_of_a_run_is_of_test_windows(
    trained: Checkpoint, tmp_path: Path, split: str, known: float | None
) -> None:
    (tmp_path / "evaluation.json").write_text(f'{{"mse": 0.5, "split": "{split}"}}')
    assert replace(trained, path=tmp_path / "best.safetensors").test_mse == known


def test_shipped_ones_have_a_card(
    trained: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.safetensors").write_bytes(trained.path.read_bytes())
    (tmp_path / "mine.yaml").write_text("title: Mine\nmse: 0.5\nlimits: [None known.]\n")
    monkeypatch.setattr(checkpoints, "SHIPPED", tmp_path)
    (one,) = shipped()
    assert (one.name, one.card.title, one.test_mse) == ("mine", "Mine", 0.5)
    assert load("mine", "cpu").name == "mine"


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "exploded",)  # type: ignore[return-value]

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(RequestError, match="not a checkpoint"):
        load(path)
    assert not (tmp_path / "exploded").exists()


def test_runs_come_newest_first_and_broken_ones_are_left_out(
    finished_run: Path, tmp_path: Path
) -> None:
    best = (finished_run / "best.safetensors").read_bytes()
    for name in ("a", "b", "broken"):
        (tmp_path / "demo" / name).mkdir(parents=True)
        (tmp_path / "demo" / name / "best.safetensors").write_bytes(
            best[: 100 * (name > "b") or None]
        )
    os.utime(tmp_path / "demo" / "a" / "best.safetensors", (2e9, 2e9))
    assert [Path(run.name).name for run in trained_runs(tmp_path)] == ["a", "b"]


def test_the_very_system_comes_before_a_run_of_another(trained: Checkpoint) -> None:
    mine = like(trained, "mine", {"C": 4, "H": 10, "O": 1}, "run")
    exact = like(trained, "exact", {"C": 2, "H": 6, "O": 1}, "shipped", ETHANOL)
    assert taken([ETHANOL], [mine, exact]).checkpoint.name == "exact"
    choice = taken([ETHANOL], [mine])
    assert choice.checkpoint.name == "mine"
    assert "another system" in choice.warnings[0]


def test_one_of_small_molecules_is_not_for_a_protein_unless_it_is_asked_for(
    trained: Checkpoint,
) -> None:
    def of(atoms: int, origin: str = "shipped") -> Choice:
        model = like(trained, "molecule", {"C": 16}, origin)
        header = model.header.model_copy(update={"systems": ("phenol", "propane")})
        one = selected("C" * atoms)
        return taken([one], [replace(model, header=header)])

    assert not of(16).warnings
    assert "its systems had up to 16 particles, and this one has 40" in of(40).warnings[0]
    with pytest.raises(RequestError):
        of(600)
    assert of(600, "given").warnings


def test_the_newest_run_comes_before_shipped_ones(trained: Checkpoint) -> None:
    composition = {"C": 2, "H": 6, "O": 1}
    known = [like(trained, name, composition, "run", ETHANOL) for name in ("new", "old")]
    choice = taken([ETHANOL], [*known, like(trained, "shipped", composition, "shipped", ETHANOL)])
    assert choice.checkpoint.name == "new"
    assert "very system" in choice.reason
    assert not choice.warnings


def test_without_its_bonds_a_checkpoint_is_not_said_to_be_of_this_system(
    trained: Checkpoint,
) -> None:
    choice = taken([ETHANOL], [like(trained, "old", {"C": 2, "H": 6, "O": 1}, "run")])
    assert "very system" not in choice.reason
    assert "its bonds were not kept" in choice.warnings[0]


def test_heavy_atoms_are_tried_where_hydrogens_are_unknown(trained: Checkpoint) -> None:
    heavy = like(trained, "heavy", {"C": 2, "O": 1}, "shipped", HEAVY)
    assert taken([ETHANOL, HEAVY], [heavy]).selected is HEAVY
    with pytest.raises(RequestError, match="heavy atoms"):
        taken([ETHANOL], [heavy])


def test_of_systems_that_are_alike_the_one_of_nearest_size_is_taken(trained: Checkpoint) -> None:
    small, large = selected("CCOCCO"), selected("CCO" * 30)
    known = [
        like(trained, "small", {"C": 4, "O": 2}, "shipped", small),
        like(trained, "large", {"C": 60, "O": 30}, "shipped", large),
    ]
    assert taken([selected("CCO" * 40)], known).checkpoint.name == "large"


def test_where_none_is_like_the_system_it_is_said_and_what_to_do(trained: Checkpoint) -> None:
    ring = like(trained, "ring", {"C": 4, "O": 2}, "shipped", selected("CCCCOO"))
    chain = selected("COCOCO")
    with pytest.raises(RequestError, match="no checkpoint is like this system") as error:
        taken([chain], [ring])
    assert "painet prepare" in error.value.hint
    with pytest.raises(RequestError, match="wrong for those that `heavy` selects: "):
        taken([selected("COCOCO", "heavy")], [ring])
    asked = taken([chain], [replace(ring, origin="given")])
    assert "another system" in asked.warnings[0]


def test_where_frames_have_no_time_it_is_asked_for_first(trained: Checkpoint) -> None:
    ring = like(trained, "ring", {"C": 4, "O": 2}, "shipped", selected("CCCCOO"))
    other = like(trained, "other", {"N": 2, "S": 2}, "shipped")
    for atoms in ("COCOCO", "COCOCN"):  # of another structure, and with a type that is not known
        with pytest.raises(RequestError, match="time between the frames is not known") as error:
            choose([candidate(selected(atoms))], [ring, other], "angstrom", None)
        assert "frame_time='2fs'" in error.value.hint


def test_where_none_fits_those_of_the_same_unit_say_why(trained: Checkpoint) -> None:
    joints = like(trained, "joints", {"hip": 1, "knee": 1}, "shipped")
    units = joints.header.units.model_copy(update={"length": "ASF unit"})
    joints = replace(joints, header=joints.header.model_copy(update={"units": units}))
    known = [joints, like(trained, "other", {"N": 2, "S": 2}, "shipped")]
    with pytest.raises(RequestError, match=r"none of 2 checkpoints fits \(other: C, O: unknown"):
        taken([selected("COCO")], known)
    nameless = selected("1231")
    particles = nameless.particles.model_copy(update={"elements": ()})
    with pytest.raises(RequestError) as error:
        taken([replace(nameless, particles=particles)], known)
    assert "its elements are not known: give them with a topology" in error.value.hint


def test_a_molecule_without_its_hydrogens_is_said_to_lack_them(trained: Checkpoint) -> None:
    whole = like(trained, "whole", {"C": 2, "O": 1, "H": 6}, "given", ETHANOL)
    header = whole.header.model_copy(update={"structure": candidate(HEAVY).structure})
    said = taken([HEAVY], [replace(whole, header=header)]).warnings[0]
    assert "trained on this molecule with its 6 hydrogens, and there are none here" in said
    assert "likeness" not in said


def test_carbons_lack_hydrogens_for_what_was_trained_with_them_alone(trained: Checkpoint) -> None:
    chain = candidate(selected("HNCCONCC")).structure  # ends in a carbon bonded to another alone
    for known, lacking in (({"N": 2, "C": 4, "O": 1}, False), ({"N": 2, "C": 4, "H": 9}, True)):
        one = like(trained, "backbones", known, "shipped").header
        several = one.model_copy(update={"systems": ("a", "b")})
        found = compare(several, Counter({"N": 2, "C": 4, "H": 1}), chain)
        assert ("lack their hydrogens" in found.difference) is lacking


def test_why_a_checkpoint_does_not_fit(trained: Checkpoint) -> None:
    header = trained.header

    def why(header: Header, one: Selected, unit: str = "angstrom") -> str:
        with pytest.raises(MisfitError) as error:
            check_fit(header, one.particles, unit, None)
        return str(error.value)

    assert "N, S: unknown" in why(header, selected("CNS"))
    assert "trained in angstrom" in why(header, ETHANOL, "ASF unit")
    assert "needs bonds" in why(header, selected("CCO", bonded=False))
    assert "has no residue" in why(header_with(header, types=("residue", "name")), ETHANOL)


@pytest.mark.parametrize(
    "goes_by_it",
    [
        {"features.node": ["height"]},
        {"features.frame": "body"},
        {"model.prior": "kernel"},
        "kernel",
    ],
)
def test_what_goes_by_height_is_for_its_own_vertical(
    trained: Checkpoint, goes_by_it: dict[str, object] | str
) -> None:
    preset, upright = trained.header.preset, {"up_axis": "y"}
    anywhere = trained.header.model_copy(update=upright)
    check_fit(anywhere, ETHANOL.particles, "angstrom", "z")
    changed = (
        preset.changed(goes_by_it)
        if isinstance(goes_by_it, dict)
        else preset.model_copy(update={"model": KernelConfig()})
    )
    header = trained.header.model_copy(update={**upright, "preset": changed})
    check_fit(header, ETHANOL.particles, "angstrom", "y")
    for axis, has in (("z", "is z"), (None, "has none")):
        with pytest.raises(MisfitError, match=f"needs a vertical axis y, and the input's {has}"):
            check_fit(header, ETHANOL.particles, "angstrom", axis)


def test_residues_that_differ_by_protonation_are_one(trained: Checkpoint) -> None:
    header = header_with(trained.header, types=("residue", "name")).model_copy(
        update={"type_names": ("GLY CA", "HSD CA")}
    )
    particles = selected("CC").particles.model_copy(
        update={"names": ("CA", "CA"), "residues": ("HIS", "GLY")}
    )
    assert check_fit(header, particles, "angstrom", None).tolist() == [1, 0]
