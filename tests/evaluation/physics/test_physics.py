"""Physical checks against slow arithmetic, and what they say of frames broken on purpose."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from MDAnalysis.guesser.tables import masses, vdwradii
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from painet_cli.data.particles import lengths
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import PainetError
from painet_cli.evaluation.physics import clashes
from painet_cli.evaluation.physics.checks import PhysicsReport, physical_checks
from painet_cli.evaluation.physics.clashes import CA_BOUND, HYDROGEN_BOND, RADII_SHARE, clash_check
from painet_cli.evaluation.physics.findings import BOND_BOUND
from painet_cli.evaluation.physics.geometry import MotionFigures

# three residues of N, CA, C in a zigzag
NAMES = ("N", "CA", "C") * 3
CHAIN = tuple((k, k + 1) for k in range(8))


def particles(**changes: Any) -> Particles:
    fields: dict[str, Any] = {
        "names": NAMES,
        "types": (0,) * 9,
        "type_names": ("any",),
        "bonds": CHAIN,
        "elements": ("N", "C", "C") * 3,
        "residues": ("MET",) * 3 + ("ALA",) * 3 + ("GLY",) * 3,
        "residue_ids": (1, 1, 1, 2, 2, 2, 12, 12, 12),
    }
    return Particles(**fields | changes)


BACKBONE = particles()


def zigzag(n: int = 9) -> NDArray[np.float64]:
    k = np.arange(n)
    return np.stack([1.25 * k, 0.4 * (-1.0) ** k, 0.1 * np.sin(k)], axis=1)


def motion(
    seed: int = 0, starts: int = 3, steps: int = 4, size: float = 0.3
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and frames that wander off from them."""
    rng = np.random.default_rng(seed)
    start = zigzag() + 0.1 * rng.normal(size=(starts, 9, 3))
    walk = np.cumsum(size * rng.normal(size=(starts, steps, 9, 3)), axis=1)
    return start, start[:, None] + walk


def moved(frames: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Every frame turned and shifted by its own rotation and step."""
    rng = np.random.default_rng(seed)
    turned = frames.copy()
    for index in np.ndindex(frames.shape[:-2]):
        turned[index] = Rotation.random(rng=rng).apply(frames[index]) + 20 * rng.normal(size=3)
    return turned


def check(
    start: NDArray[np.float64], frames: NDArray[np.float64], who: Particles = BACKBONE, **more: Any
) -> PhysicsReport:
    return physical_checks(start, frames, who, **{"length_unit": "angstrom", **more})


def slow_rmsd(frame: NDArray[np.float64], start: NDArray[np.float64]) -> float:
    centred, origin = frame - frame.mean(axis=0), start - start.mean(axis=0)
    _, distance = Rotation.align_vectors(origin, centred)
    return float(distance / np.sqrt(len(start)))


def slow_clashes(frame: NDArray[np.float64], who: Particles) -> int:
    count = 0
    for i, j in itertools.combinations(range(len(frame)), 2):
        near = {j for a, b in who.bonds for j in (a, b) if i in (a, b)}
        near |= {c for a, b in who.bonds for c in (a, b) if near & {a, b}}
        bound = RADII_SHARE * (vdwradii[who.elements[i]] + vdwradii[who.elements[j]])
        if {who.elements[i], who.elements[j]} in ({"H", "N"}, {"H", "O"}):
            bound = HYDROGEN_BOND
        count += j not in near and np.linalg.norm(frame[i] - frame[j]) < bound
    return count


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), starts=st.integers(1, 4), steps=st.integers(1, 4))
def test_figures_are_those_of_slow_loops(seed: int, starts: int, steps: int) -> None:
    start, frames = motion(seed, starts, steps, size=0.5)
    who = particles(elements=tuple("NCHOCCNHC"))
    seen = check(start, frames, who).predicted
    weight = [masses[symbol] for symbol in who.elements]
    for t in range(steps):
        off, share, radius, close = [], [], [], []
        for s in range(starts):
            for i, j in who.bonds:
                rest = np.linalg.norm(start[s, i] - start[s, j])
                off.append(abs(np.linalg.norm(frames[s, t, i] - frames[s, t, j]) - rest))
                share.append(off[-1] / rest)
            centre = np.average(frames[s, t], axis=0, weights=weight)
            squares = ((frames[s, t] - centre) ** 2).sum(axis=1)
            radius.append(np.sqrt(np.average(squares, weights=weight)))
            close.append(slow_clashes(frames[s, t], who))
        assert seen.bonds is not None and seen.clashes is not None
        assert seen.bonds.mean[t] == pytest.approx(np.mean(off))
        assert seen.bonds.maximum[t] == pytest.approx(np.max(off))
        assert seen.bonds.mean_share[t] == pytest.approx(np.mean(share))
        assert seen.bonds.maximum_share[t] == pytest.approx(np.max(share))
        assert seen.bonds.worst[t] == np.argmax(share) % len(who.bonds)
        assert seen.bonds.broken[t] == np.sum(np.array(share) > BOND_BOUND)
        assert seen.bonds.looked_at[t] == len(share)
        assert seen.clashes[t] == pytest.approx(np.mean(close))
        assert seen.gyration[t] == pytest.approx(np.mean(radius))
        rmsd = [slow_rmsd(frames[s, t], start[s]) for s in range(starts)]
        assert seen.rmsd[t] == pytest.approx(np.mean(rmsd), rel=1e-6)
        squares = ((frames[:, t] - start) ** 2).sum(axis=-1).mean(axis=-1)
        assert seen.rmsd_in_place[t] == pytest.approx(np.mean(np.sqrt(squares)))


def test_rmsf_is_that_of_slow_loops() -> None:
    start, frames = motion()
    squares = np.zeros(9)
    for s in range(3):
        origin = start[s] - start[s].mean(axis=0)
        every = [origin]
        for frame in frames[s]:
            centred = frame - frame.mean(axis=0)
            every.append(Rotation.align_vectors(origin, centred)[0].apply(centred))
        squares += np.var(every, axis=0).sum(axis=-1) / 3
    report = check(start, frames)
    expected = np.sqrt(squares.reshape(3, 3).mean(axis=1))
    assert report.predicted.rmsf == pytest.approx(expected.tolist(), rel=1e-5)
    assert (report.rmsf_of, report.rmsf_labels) == ("residue", ["MET1", "ALA2", "GLY12"])


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_rigid_motion_breaks_nothing(seed: int) -> None:
    start, _ = motion(seed)
    report = check(start, moved(np.repeat(start[:, None], 4, axis=1), seed))
    seen = report.predicted
    assert seen.bonds is not None
    assert max(seen.bonds.maximum) < 1e-12
    assert max(seen.rmsd) < 1e-12
    assert max(seen.rmsf) < 1e-12
    assert seen.gyration == pytest.approx([report.gyration_start] * 4)
    assert min(seen.rmsd_in_place) > 1
    assert report.findings == ["nothing broken: bonds within 0 % of the start, no clashes"]


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15)
def test_turning_and_shifting_changes_nothing_but_the_rmsd_in_place(seed: int) -> None:
    start, frames = motion(seed)
    plain = check(start, frames).plain()["predicted"]
    turned = check(moved(start, seed), moved(frames, seed + 1), truth=moved(frames, seed)).plain()
    for seen in (turned["predicted"], turned["truth"]):
        for key in ("clashes", "gyration", "rmsd", "rmsf"):
            assert seen[key] == pytest.approx(plain[key], abs=1e-9)
        for key in ("mean", "maximum", "mean_share", "maximum_share"):
            assert seen["bonds"][key] == pytest.approx(plain["bonds"][key], abs=1e-9)
        assert seen["worst_bonds"] == plain["worst_bonds"]


def test_a_mirror_image_is_no_rigid_motion() -> None:
    start, _ = motion()
    mirrored = (start * [1, 1, -1])[:, None]
    assert check(start, mirrored).predicted.rmsd[0] > 0.01


def test_a_stretched_bond_is_found_and_named() -> None:
    start = zigzag()[None]
    frames = np.repeat(start[:, None], 5, axis=1)
    along = start[0, 7] - start[0, 6]
    frames[0, 4, 7:] += 0.57 * along
    report = check(start, frames)
    length = 1.57 * np.linalg.norm(along)
    assert report.predicted.worst_bonds[4] == "N12-CA12"
    assert report.findings[0] == (
        f"step 5: bond N12-CA12 is {length:.3g} angstrom, 57 % longer than at the start; "
        "1 of 8 bonds off by more than 25 %"
    )
    beside = check(start, frames, truth=np.repeat(start[:, None], 5, axis=1))
    assert "(truth: 0, the largest off by 0 %)" in beside.findings[0]


def test_a_clash_is_found() -> None:
    start = zigzag()[None]
    frames = np.repeat(start[:, None], 4, axis=1)
    frames[0, 3, 8] = frames[0, 3, 0] + [0, 1.0, 0]
    report = check(start, frames)
    assert report.predicted.clashes is not None
    assert report.predicted.clashes[:3] == [0, 0, 0]
    assert report.predicted.clashes[3] == slow_clashes(frames[0, 3], BACKBONE) >= 1
    assert any("at step 4, none at the start" in sentence for sentence in report.findings)


def test_pairs_that_bonds_hold_never_clash() -> None:
    line = np.zeros((1, 4, 3))
    line[0, :, 0] = [0, 0.5, 1.0, 1.5]
    who = Particles(
        names=("a", "b", "c", "d"),
        types=(0,) * 4,
        type_names=("C",),
        bonds=((0, 1), (1, 2), (2, 3)),
        elements=("C",) * 4,
    )
    assert clash_check(who, "angstrom").counts(line).tolist() == [1], "0 and 3 alone"
    free = who.model_copy(update={"bonds": ()})
    assert clash_check(free, "angstrom").counts(line).tolist() == [6]


def test_a_hydrogen_bond_is_no_clash() -> None:
    who = Particles(
        names=("H", "O"), types=(0, 0), type_names=("any",), bonds=(), elements=("H", "O")
    )
    frames = np.zeros((3, 2, 3))
    frames[:, 1, 0] = [1.19, 1.21, 1.5]
    assert clash_check(who, "angstrom").counts(frames).tolist() == [1, 0, 0]


def test_alpha_carbons_alone_stand_for_residues() -> None:
    who = particles(names=("CA",) * 9, elements=("C",) * 9, residue_ids=tuple(range(9)), bonds=())
    frames = np.zeros((2, 9, 3))
    frames[:, :, 0] = 10.0 * np.arange(9)
    frames[1, 8] = frames[1, 0] + [0, 0, CA_BOUND - 0.01]
    rule = clash_check(who, "angstrom")
    assert rule.counts(frames).tolist() == [0, 1]
    assert "3 angstrom" in rule.criterion


@pytest.mark.parametrize(
    ("who", "unit", "reason"),
    [
        (BACKBONE, "ASF unit", "no radii are known for particles in ASF unit"),
        (particles(elements=()), "angstrom", "elements are not known"),
    ],
)
def test_where_radii_are_not_known_nothing_is_counted(
    who: Particles, unit: str, reason: str
) -> None:
    report = check(*motion(size=0.001), who, length_unit=unit)
    assert report.predicted.clashes is report.clashes_start is None
    assert reason in report.clash_criterion
    assert report.findings[0].endswith("clashes not counted")


def test_an_element_without_a_radius_takes_no_part() -> None:
    who = particles(elements=("Fe", *BACKBONE.elements[1:]))
    frames = zigzag()[None].copy()
    frames[0, 0] = frames[0, 8] + [0, 1.0, 0]
    rule = clash_check(who, "angstrom")
    assert "without Fe" in rule.criterion
    assert rule.counts(frames).tolist() == [0]
    assert clash_check(BACKBONE, "angstrom").counts(frames)[0] > 0


def test_frames_are_searched_apart_however_far_one_has_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _, frames = motion(size=0.6)
    flat = frames.reshape(-1, 9, 3)
    flat[5, 3] = 1e30
    expected = [slow_clashes(frame, BACKBONE) for frame in flat]
    assert clash_check(BACKBONE, "angstrom").counts(flat).tolist() == expected
    monkeypatch.setattr(clashes, "_PARTICLES_AT_ONCE", 20)
    assert clash_check(BACKBONE, "angstrom").counts(flat).tolist() == expected


def test_parts_of_the_starts_give_what_all_give(monkeypatch: pytest.MonkeyPatch) -> None:
    start, frames = motion(starts=7)
    whole = check(start, frames).plain()
    monkeypatch.setattr(lengths, "_POSITIONS_AT_ONCE", 80)
    parts = check(start, frames).plain()
    assert parts["predicted"]["rmsf"] == pytest.approx(whole["predicted"]["rmsf"])
    assert parts["predicted"]["bonds"]["mean"] == pytest.approx(whole["predicted"]["bonds"]["mean"])
    assert parts["predicted"]["worst_bonds"] == whole["predicted"]["worst_bonds"]
    assert parts["findings"] == whole["findings"]


def test_frames_that_are_not_finite_are_counted_and_left_out() -> None:
    start, frames = motion(size=0.01)
    clean = check(start[1:], frames[1:]).predicted
    frames[0, 2:, 4] = np.nan
    report = check(start, frames)
    assert report.predicted.left_out == [0, 0, 1, 1]
    assert report.predicted.gyration[2:] == pytest.approx(clean.gyration[2:])
    assert report.predicted.rmsf == pytest.approx(clean.rmsf)
    assert report.findings[0].startswith("from step 3 on: up to 1 of 3 predicted frames hold NaN")


def test_when_nothing_is_finite_json_has_null() -> None:
    start, frames = motion(starts=1, steps=2)
    report = check(start, frames * np.inf)
    plain = json.loads(json.dumps(report.plain(), allow_nan=False))
    assert plain["predicted"]["gyration"] == [None, None]
    assert plain["predicted"]["rmsf"] == [None] * 3
    assert len(report.findings) == 1


def test_a_system_that_collapses_is_told() -> None:
    start, frames = motion(size=0.0)
    findings = check(start, frames * 0.7).findings
    assert any("radius of gyration" in one and "30 % smaller" in one for one in findings)


def test_a_prediction_that_hardly_moves_is_told() -> None:
    start, truth = motion(size=0.05)
    still = np.repeat(start[:, None], 4, axis=1) + 0.001 * (truth - start[:, None])
    findings = check(start, still, truth=truth).findings
    assert findings[0].startswith("nothing broken")
    assert findings[1].startswith("moves less than truth")


def test_edges_from_everyone_to_everyone_are_no_bonds() -> None:
    every = tuple(itertools.combinations(range(9), 2))
    report = check(*motion(), particles(bonds=every, elements=()))
    assert report.predicted.bonds is None
    assert report.predicted.worst_bonds == []


def test_one_residue_is_told_particle_by_particle() -> None:
    report = check(*motion(), particles(residues=("UNK",) * 9, residue_ids=(1,) * 9))
    assert report.rmsf_of == "particle"
    assert len(report.predicted.rmsf) == len(report.rmsf_labels) == 9


def test_several_chains_are_told_apart() -> None:
    who = particles(chains=("A",) * 3 + ("B",) * 6)
    report = check(*motion(), who)
    assert report.rmsf_labels == ["A:MET1", "B:ALA2", "B:GLY12"]


def test_without_masses_all_weigh_the_same() -> None:
    start, frames = motion()
    report = check(start, frames, particles(elements=()))
    assert not report.mass_weighted
    centred = start - start.mean(axis=1, keepdims=True)
    expected = np.sqrt((centred**2).sum(axis=-1).mean(axis=-1)).mean()
    assert report.gyration_start == pytest.approx(expected)


def test_a_bond_without_length_has_no_share() -> None:
    start, frames = motion(size=0.01)
    start[:, 1] = start[:, 0]
    bonds = check(start, frames).predicted.bonds
    assert bonds is not None and np.isfinite(bonds.maximum_share).all()
    assert 0 not in bonds.worst


def test_what_does_not_fit_is_refused() -> None:
    start, frames = motion()
    with pytest.raises(PainetError, match="positions of shape"):
        check(start[:1], frames)
    with pytest.raises(PainetError, match="positions of shape"):
        check(start, frames[:, :0])
    with pytest.raises(PainetError, match="a known position"):
        check(start * np.nan, frames)


def test_the_report_is_plain_data() -> None:
    report = check(*motion(), truth=motion()[1])
    assert isinstance(report.truth, MotionFigures)
    plain = report.plain()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["findings"] == report.findings
    assert replace(report, truth=None).plain()["truth"] is None


def test_clashes_of_a_collapsed_system_are_counted_without_a_list_of_them() -> None:
    n = 50_000
    particles = Particles(
        names=("C",) * n, types=(0,) * n, type_names=("C",), bonds=(), elements=("C",) * n
    )
    counts = clashes.clash_check(particles, "angstrom").counts(np.zeros((2, n, 3)))
    assert counts.tolist() == [n * (n - 1) // 2] * 2
