"""Readers of molecules and motion that are fuzzed, and damage that keeps a file's structure."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from rich.console import Console

from painet_cli.benchmark.campaign.collecting import read_run_folders, run_folders
from painet_cli.benchmark.campaign.page import of_the_plan
from painet_cli.benchmark.campaign.record import read_records, save_record
from painet_cli.benchmark.latex import bench_latex
from painet_cli.benchmark.layout import bench_csv, bench_tables
from painet_cli.benchmark.rows import bench_rows
from painet_cli.benchmark.sweep.trials import best_validation
from painet_cli.benchmark.tables.notes import footnotes
from painet_cli.data.motion.files import read_motion_file
from painet_cli.data.trajectories.atom_elements import elements_of
from painet_cli.data.trajectories.guards.claims import check_claims
from painet_cli.data.trajectories.own_formats import OWN
from painet_cli.data.trajectories.reader import Trajectory, open_topology
from painet_cli.data.trajectories.topology import particles_of
from painet_cli.errors import RequestError
from painet_cli.evaluation.runs import chosen, list_runs
from painet_cli.evaluation.verify.verify import verify
from painet_cli.report.pictures.loss import read_metrics
from painet_cli.report.tables.runs import runs_table

Target = Callable[[bytes, Path], None]
Damage = Callable[[Random, bytes], bytes]


def _motion(name: str, raw: bytes, folder: Path) -> None:
    """A recorded motion: joints and where they are."""
    path = folder / f"t.{name.lower()}"
    path.write_bytes(raw)
    motion = read_motion_file(path, name)
    assert motion.positions.shape[1:] == (len(motion.names), 3)
    assert motion.particles.names == motion.names


def _own(name: str, suffix: str, raw: bytes, folder: Path) -> None:
    """A format that painet reads: who the atoms are, and the first and last frames."""
    path = folder / f"t{suffix}"
    path.write_bytes(raw)
    check_claims(path, name)
    particles = OWN[name].particles(path)
    assert particles is None or particles.names
    with closing(OWN[name].frames(path)) as reader:
        for number in {0, reader.n_frames - 1}:
            frame = reader[number]
            assert frame.positions.ndim == 2
            assert frame.positions.shape[1] == 3


def _structure(suffix: str, raw: bytes, folder: Path) -> None:
    """A file of names, and of coordinates where it has them, as `predict` opens it."""
    path = folder / f"t{suffix}"
    path.write_bytes(raw)
    universe = open_topology(path)
    count = universe.atoms.n_atoms
    with closing(Trajectory(path, path, count, drop_extra=False)) as file:
        frame = file.frame(0)
        particles, _ = particles_of(universe.atoms, frame.positions, None, path, frame.box)
        assert len(particles.names) == count


def _topology(suffix: str, raw: bytes, folder: Path) -> None:
    """A topology without coordinates: names, elements and bonds."""
    path = folder / f"t{suffix}"
    path.write_bytes(raw)
    universe = open_topology(path)
    assert len(elements_of(universe.atoms)) in (0, universe.atoms.n_atoms)


_OF_MORE = (".xtc", ".trr")
"""Trajectories of which some are of more atoms than the topology has."""


def _trajectory(suffix: str, count: int, raw: bytes, folder: Path) -> None:
    """Frames of a trajectory whose topology has so many of its atoms."""
    path = folder / f"t{suffix}"
    path.write_bytes(raw)
    with closing(Trajectory(path, path, count, drop_extra=suffix in _OF_MORE)) as file:
        for number in {0, file.frame_count - 1}:
            assert file.frame(number).positions.shape == (count, 3)


def record(raw: bytes, folder: Path) -> None:
    """The record of a prediction, held against nothing that it names."""
    (folder / "summary.json").write_bytes(raw)
    verify(folder, folder)


def run(raw: bytes, folder: Path) -> None:
    """A run folder as `runs` lists it, and as `bench report` collects and reads it."""
    try:
        files = json.loads(raw)
        home = folder / "runs" / "demo" / "20260101-000000"
        home.mkdir(parents=True, exist_ok=True)
        for name in ("config.yaml", "run.json", "evaluation.json", "metrics.jsonl"):
            (home / name).write_text(str(files[name]), encoding="utf-8")
        record = folder / "records" / "demo" / "one.json"
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(str(files["record"]), encoding="utf-8")
    except (ValueError, RecursionError, KeyError, TypeError):
        return  # no files at all
    np.save(home / "window_errors.npy", np.ones((4, 5)))
    with suppress(RequestError):
        found = list_runs(folder / "runs")
        json.dumps([one.plain() for one in found])
        for key in ("val_mse", "-seconds", "stopped_by", "best_epoch", "train.lr"):
            for some in (chosen(found, ["state=ended"], key), chosen(found, [], key)):
                if some:
                    Console(file=io.StringIO()).print(runs_table(some, folder))
    best_validation(home)
    with suppress(RequestError):
        read_metrics(home)
    for result in read_run_folders(run_folders([folder / "runs"])):
        saved = save_record(result, folder / "saved", here=True)
        assert saved.is_relative_to(folder / "saved")
        assert ".." not in saved.parts
    for kept in (folder / "records", folder / "saved"):
        with suppress(RequestError):
            rows = bench_rows(of_the_plan(read_records(kept))[0])
            bench_tables(rows, None)
            bench_csv(rows)
            bench_latex(rows, footnotes(rows, None))
    shutil.rmtree(folder / "saved", ignore_errors=True)


FORMATS: dict[str, Target] = {
    "bvh-read": partial(_motion, "BVH"),
    "trc": partial(_motion, "TRC"),
    "c3d": partial(_motion, "C3D"),
    "xyz": partial(_own, "XYZ", ".xyz"),
    "gro": partial(_own, "GRO", ".gro"),
    "g96": partial(_own, "G96", ".g96"),
    "espresso": partial(_own, "ESPRESSO", ".pwo"),
    "rst7": partial(_own, "NCRST", ".rst7"),
    "lammpsdump": partial(_own, "LAMMPSDUMP", ".lammpstrj"),
    "mmcif": partial(_structure, ".cif"),
    "bcif": partial(_structure, ".bcif"),
    "sdf": partial(_own, "SDF", ".sdf"),
    "traj": partial(_own, "TRAJ", ".traj"),
    "xdatcar": partial(_own, "XDATCAR", ".xdatcar"),
    "pdb": partial(_structure, ".pdb"),
    "mol2": partial(_structure, ".mol2"),
    "gsd": partial(_structure, ".gsd"),
    "data": partial(_structure, ".data"),
    "psf": partial(_topology, ".psf"),
    "prmtop": partial(_topology, ".prmtop"),
    "dcd": partial(_trajectory, ".dcd", 3),
    "ncdf": partial(_trajectory, ".nc", 3),
    "h5md": partial(_trajectory, ".h5md", 3),
    "mdtraj": partial(_own, "MDTRAJ", ".h5"),
    "xtc": partial(_trajectory, ".xtc", 3),
    "trr": partial(_trajectory, ".trr", 3),
    "record": record,
    "run": run,
}
PACKAGES = {
    "c3d": "ezc3d",
    "traj": "ase",
    "xdatcar": "ase",
    "espresso": "ase",
    "gsd": "gsd",
    "h5md": "h5py",
    "mdtraj": "h5py",
}
"""Packages that a target takes, where painet does not bring them."""

_NUMBERS = (
    *("0", "1", "-1", "2", "99999", "1e30", "-1e30", "1e-30", "1e999", "nan", "inf", "-0.0", "0.5"),
    *(
        "2147483648",
        "99999999999999999999",
        "1.7976931348623157e308",
        "1_0",
        "0x10",
        "\u0661",
        "1,5",
    ),
)
_WORDS = (
    "",
    "X",
    "CA",
    "\u00e9",
    "\x1b[2J",
    "\x00",
    '"',
    "'",
    "#",
    "?",
    ".",
    "ITEM:",
    "END",
    "a" * 300,
)
_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


def damaged_text(random: Random, raw: bytes) -> bytes:
    """Numbers made extreme, words changed, lines dropped, doubled, swapped or joined."""
    lines = raw.decode("latin-1").split("\n")
    for _ in range(random.randint(1, 4)):
        at = random.randrange(len(lines))
        match random.randint(0, 9):
            case 0 | 1 | 2:
                found = list(_NUMBER.finditer(lines[at]))
                if found:
                    one = random.choice(found)
                    new = random.choice(_NUMBERS)
                    if random.random() < 0.5:  # columns stay where they are
                        new = new[: one.end() - one.start()].rjust(one.end() - one.start())
                    lines[at] = lines[at][: one.start()] + new + lines[at][one.end() :]
            case 3:
                words = lines[at].split(" ")
                words[random.randrange(len(words))] = random.choice(_WORDS)
                lines[at] = " ".join(words)
            case 4:
                del lines[at : at + random.randint(1, 3)]
            case 5:
                lines[at:at] = [lines[at]] * random.randint(1, 30)
            case 6:
                other = random.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 7:
                lines[at] = lines[at][: random.randint(0, len(lines[at]))]
            case 8:
                lines[at] += lines[random.randrange(len(lines))]
            case _:
                lines = lines[: at + 1]
        lines = lines or [""]
    ends = "\r\n" if random.random() < 0.1 else "\n"
    return ends.join(lines).encode("latin-1", "replace")[:65_536]


_FIELDS = (
    b"\xff" * 4,
    bytes(4),
    b"\x7f\xff\xff\xff",
    b"\xff\xff\xff\x7f",
    b"\x01\0\0\0",
    b"\0\0\0\x01",
)
_FIELDS += (b"\0\0\xc0\x7f", b"\x7f\xc0\0\0", b"\0\0\x80\x7f", b"\0\0\0\x80", b"\x80\0\0\0")


def damaged_fields(random: Random, raw: bytes) -> bytes:
    """Words of four bytes made extreme or swapped, pieces cut out or doubled, the end left off."""
    data = bytearray(raw)
    for _ in range(random.randint(1, 4)):
        # most of what a reader trusts stands at the beginning
        last = len(data) if random.random() < 0.4 else min(len(data), 400)
        at = random.randrange(max(1, last)) // 4 * 4
        match random.randint(0, 6):
            case 0 | 1 | 2:
                data[at : at + 4] = random.choice(_FIELDS)
            case 3:
                other = random.randrange(max(1, len(data))) // 4 * 4
                data[at : at + 4], data[other : other + 4] = (
                    data[other : other + 4],
                    data[at : at + 4],
                )
            case 4:
                del data[at : at + 4 * random.randint(1, 20)]
            case 5:
                data[at:at] = data[at : at + 4 * random.randint(1, 20)]
            case _:
                del data[random.randint(0, len(data)) :]
    return bytes(data[:65_536])


_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**70,
    1e300,
    "",
    "x",
    "a" * 5000,
    [],
    {},
    b"\0",
)


def _damaged_tree(random: Random, tree: Any) -> Any:
    """One place of nested lists and maps changed, dropped, doubled or put elsewhere."""
    here, key, below = None, None, tree
    while isinstance(below, dict | list) and below and (here is None or random.random() < 0.85):
        here = below
        key = random.choice(list(here)) if isinstance(here, dict) else random.randrange(len(here))
        below = here[key]
    if here is None:
        return random.choice(_VALUES)
    match random.randint(0, 4):
        case 0 if isinstance(here, list):
            here[key:key] = [below] * random.randint(1, 50)
        case 1:
            del here[key]
        case 2 if isinstance(below, bytes) and below:
            here[key] = damaged_fields(random, below)
        case 3 if isinstance(here, dict):
            here[random.choice(["x", "kind", "data", str(key) + "_"])] = here.pop(key)
        case _:
            here[key] = random.choice(_VALUES)
    return tree


def damaged_json(random: Random, raw: bytes) -> bytes:
    """JSON with some values changed."""
    try:
        tree = json.loads(raw)
    except (ValueError, RecursionError):
        return damaged_text(random, raw)
    for _ in range(random.randint(1, 3)):
        tree = _damaged_tree(random, tree)
    return json.dumps(tree, default=repr).encode()


def damaged_files(random: Random, raw: bytes) -> bytes:
    """JSON that holds files: one of them with some values changed, lines each by itself."""
    try:
        files = json.loads(raw)
        name = random.choice([name for name in files if name != "config.yaml"])
        lines = files[name].split("\n") if name.endswith(".jsonl") else [files[name]]
        at = random.randrange(len(lines))
        lines[at] = damaged_json(random, lines[at].encode()).decode()
        return json.dumps(files | {name: "\n".join(lines)}).encode()
    except (ValueError, RecursionError, TypeError, AttributeError, IndexError):
        return damaged_text(random, raw)


def damaged_msgpack(random: Random, raw: bytes) -> bytes:
    """The same of MessagePack, which BinaryCIF is written in."""
    import msgpack

    tree = msgpack.unpackb(raw, strict_map_key=False)
    for _ in range(random.randint(1, 3)):
        tree = _damaged_tree(random, tree)
    return bytes(msgpack.packb(tree, default=repr))


DAMAGE: dict[str, Damage] = {
    **dict.fromkeys(FORMATS, damaged_text),
    **dict.fromkeys(
        ("c3d", "traj", "gsd", "dcd", "ncdf", "h5md", "mdtraj", "xtc", "trr"), damaged_fields
    ),
    "bcif": damaged_msgpack,
    "run": damaged_files,
    **dict.fromkeys(("record", "manifest", "header"), damaged_json),
    **dict.fromkeys(("asf", "amc", "preset"), damaged_text),
    **dict.fromkeys(("frames", "npy", "npz", "checkpoint"), damaged_fields),
}
"""How files of a target are damaged so that they stay nearly what they are."""
