"""Formats that are read: how they are told apart, what reads them, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from painet_cli.data.formats.mdtraj_h5 import is_mdtraj
from painet_cli.errors import RequestError, option

_EXTRA = "'painet[formats]'"
_BROUGHT_BY = {"ezc3d": "'painet[c3d]'", "pytng": "pytng"}
"""What pip is to install for a package, where it is not `_EXTRA`."""
PACKED = (".gz", ".bz2")
_SNIFFED = 4096


@dataclass(frozen=True)
class Readable:
    """A format that is read.

    Attributes
    ----------
    name
        What `--format` calls it.
    suffixes
        Endings of its files, in small letters.
    by
        What reads it.
    holds
        What such a file can hold, in words.
    package
        What must be importable for it, beyond what painet always brings.
    about
        Where it comes from.
    """

    name: str
    suffixes: tuple[str, ...]
    by: Literal["MDAnalysis", "ASE", "painet"]
    holds: str
    about: str
    package: str = ""

    def mends(self) -> str:
        """What to do with a file of this format that cannot be read."""
        if self.name == "TNG":
            return "give an XTC, which is read whole: `gmx trjconv -f in.tng -o out.xtc` writes it"
        if self.name == "ITP":
            return (
                "give the TPR: what this includes is neither beside it nor in the folder of "
                "GROMACS (GMXLIB, GMXDATA or beside gmx), or it is damaged"
            )
        return (
            f"check that it is whole, and {self.name} ({self.about}); {option('format')} names "
            "another format"
        )

    def check_package(self, path: Path) -> None:
        """Refuse a file whose format takes a package that is not installed.

        Raises
        ------
        RequestError
            Names the package and the command that installs it.
        """
        if self.package and find_spec(self.package) is None:
            raise RequestError(
                f"{path}: reading {self.name} takes the package {self.package}, which is not "
                "installed",
                f"install it: pip install {_BROUGHT_BY.get(self.package, _EXTRA)}",
            )


_FRAMES = "frames, times, box"
READABLE = (
    Readable("PDB", (".pdb", ".ent"), "MDAnalysis", "names, some bonds, models, box", "PDB"),
    Readable("PQR", (".pqr",), "MDAnalysis", "names, one frame", "APBS"),
    Readable("PDBQT", (".pdbqt",), "MDAnalysis", "names, one frame", "AutoDock"),
    Readable("MMCIF", (".cif", ".mmcif"), "painet", "names, models, box", "mmCIF of the PDB"),
    Readable("BCIF", (".bcif",), "painet", "names, models, box", "BinaryCIF", "msgpack"),
    Readable("PSF", (".psf",), "MDAnalysis", "names, bonds", "CHARMM, NAMD, X-PLOR"),
    Readable("PRMTOP", (".prmtop", ".parm7", ".top"), "MDAnalysis", "names, bonds", "AMBER"),
    Readable("TPR", (".tpr",), "MDAnalysis", "names, bonds, one frame", "GROMACS"),
    Readable("ITP", (".itp", ".top"), "MDAnalysis", "names, bonds", "GROMACS"),
    Readable("GRO", (".gro",), "painet", f"names, {_FRAMES}, velocities", "GROMACS"),
    Readable("G96", (".g96",), "painet", f"names, {_FRAMES}, velocities", "GROMACS"),
    Readable("XTC", (".xtc",), "MDAnalysis", _FRAMES, "GROMACS"),
    Readable("TRR", (".trr",), "MDAnalysis", f"{_FRAMES}, velocities", "GROMACS"),
    Readable("TNG", (".tng",), "MDAnalysis", f"{_FRAMES}, velocities", "GROMACS", "pytng"),
    Readable("DCD", (".dcd",), "MDAnalysis", _FRAMES, "CHARMM, NAMD, LAMMPS, OpenMM, VMD"),
    Readable("NCDF", (".nc", ".ncdf"), "MDAnalysis", f"{_FRAMES}, velocities", "AMBER"),
    Readable(
        "NCRST",
        (".ncrst", ".rst7", ".rst", ".restrt", ".inpcrd"),
        "painet",
        "one frame, time, velocities, box",
        "AMBER's restart files, text and NetCDF",
    ),
    Readable("MDCRD", (".mdcrd", ".crdbox", ".trj"), "MDAnalysis", "frames", "AMBER"),
    Readable("CRD", (".crd",), "MDAnalysis", "names, one frame", "CHARMM"),
    Readable("NAMDBIN", (".coor", ".namdbin"), "MDAnalysis", "one frame", "NAMD"),
    Readable(
        "DATA", (".data",), "MDAnalysis", "names, bonds, one frame, velocities, box", "LAMMPS"
    ),
    Readable(
        "LAMMPSDUMP",
        (".lammpsdump", ".lammpstrj", ".dump"),
        "painet",
        f"elements, {_FRAMES}, velocities",
        "LAMMPS",
    ),
    Readable(
        "XYZ",
        (".xyz", ".extxyz", ".trj"),
        "painet",
        f"names, {_FRAMES}, velocities",
        "XYZ and extended XYZ, CP2K, xtb, i-PI, ASE",
    ),
    Readable("TXYZ", (".txyz", ".arc"), "MDAnalysis", "names, bonds, frames", "Tinker"),
    Readable("SDF", (".sdf", ".mol"), "painet", "names, bonds, records", "MDL, V2000"),
    Readable("MOL2", (".mol2",), "MDAnalysis", "names, bonds, records", "Tripos"),
    Readable("H5MD", (".h5md", ".h5"), "MDAnalysis", f"{_FRAMES}, velocities", "H5MD", "h5py"),
    Readable("MDTRAJ", (".h5", ".hdf5"), "painet", f"names, bonds, {_FRAMES}", "mdtraj", "h5py"),
    Readable("GSD", (".gsd",), "MDAnalysis", "names, bonds, frames, box", "HOOMD", "gsd"),
    Readable("TRAJ", (".traj",), "ASE", "names, frames, box, velocities", "ASE", "ase"),
    Readable("XDATCAR", (".xdatcar",), "ASE", "names, frames, box", "VASP", "ase"),
    Readable("POSCAR", (".poscar", ".vasp"), "ASE", "names, one frame, box", "VASP", "ase"),
    Readable("HISTORY", (".history",), "MDAnalysis", "names, frames, box", "DL_POLY"),
    Readable("CONFIG", (".config",), "MDAnalysis", "names, one frame, box", "DL_POLY"),
    Readable("FHIAIMS", (".in",), "ASE", "names, one frame, box, velocities", "FHI-aims", "ase"),
    Readable("ESPRESSO", (".pwo",), "ASE", f"names, {_FRAMES}", "Quantum ESPRESSO's pw.x", "ase"),
    Readable("DMS", (".dms",), "MDAnalysis", "names, bonds, one frame", "Desmond"),
    Readable("GMS", (".gms",), "MDAnalysis", "names, frames", "GAMESS"),
    Readable("TRZ", (".trz",), "MDAnalysis", f"{_FRAMES}, velocities", "IBIsCO, YASP"),
    Readable("GROMOS", (".trc",), "MDAnalysis", "frames, times", "GROMOS"),
    Readable("NPZ", (".npz",), "painet", "elements, frames", "MD17, rMD17 and their like"),
    Readable("AMC", (".amc", ".asf"), "painet", "joints, frames, times", "Acclaim, beside its ASF"),
    Readable("BVH", (".bvh",), "painet", "joints, bones, frames, times", "Biovision"),
    Readable("TRC", (".trc",), "painet", "markers, frames, times", "OpenSim, Motion Analysis"),
    Readable("C3D", (".c3d",), "painet", "markers, frames, times", "c3d.org", "ezc3d"),
)
"""In the order of the documentation."""
BY_NAME = {one.name: one for one in READABLE}
MOTION = ("AMC", "BVH", "TRC", "C3D")
"""Formats of motion capture."""
TOPOLOGIES = "PDB, mmCIF, PSF, GRO, PRMTOP, TPR, MOL2, SDF, LAMMPS DATA, XYZ ..."
TRAJECTORIES = "DCD, XTC, TRR, NetCDF, H5MD, LAMMPSDUMP, XYZ, GRO, multi-model PDB ..."
_FILE_NAMES = {
    "xdatcar": "XDATCAR",
    "poscar": "POSCAR",
    "contcar": "POSCAR",
    "history": "HISTORY",
    "config": "CONFIG",
}
_NOT_READ = {
    ".mmtf": "MMTF, which the PDB has given up: take mmCIF (.cif) or BinaryCIF (.bcif)",
    ".xml": "XML: give VASP's XDATCAR; write GSD with HOOMD, PDB and DCD or XTC with OpenMM",
    ".dtr": "a folder of Desmond's: write DCD or XTC, and DMS or PDB as the topology",
    ".mae": "Maestro's: write PDB or MOL2",
    ".cms": "Desmond's: write DCD or XTC, and DMS or PDB as the topology",
    ".smi": "SMILES, which hold no coordinates",
    ".cpt": "GROMACS' checkpoint: gmx trjconv writes GRO or XTC from it",
    ".edr": "energies: give the trajectory beside it",
    ".log": "a log: give the trajectory that was written beside it",
    ".out": "a log: give the trajectory that was written beside it",
    ".restart": "a restart: give the trajectory; of LAMMPS `lmp -restart2data` makes a data file",
    ".fbx": "FBX: export it as BVH",
    ".glb": "glTF, which is written and not read: give BVH",
    ".gltf": "glTF, which is written and not read: give BVH",
    ".usd": "USD: export it as BVH",
    ".npy": "an array without names: numpy.savez it as R (frames, atoms, 3) with z (atoms,)",
    ".csv": "a table, which is written and not read: give TRC, or an npz of R and z",
    ".pkl": "a pickle, which may run anything: numpy.savez its arrays as R and z",
}
"""Files that are brought all the same, and what to do with them."""
_OTHER_NAMES = {"NETCDF": "NCDF"}
"""What a format is called besides its name and the endings of its files."""
_XYZ = re.compile(rb"\s*\d+[ \t]*\r?\n.*\n[ \t]*[A-Za-z]\w*([ \t]+-?\d*\.\d+){3}")
"""How the first atom of an XYZ stands below its count and comment."""


def format_of(path: Path, name: str | None = None) -> Readable:
    """Format of a file: as it is named, else by its ending, else by how it begins.

    Parameters
    ----------
    path
        The file; it need not be there where its ending says what it is.
    name
        What the user calls the format.

    Raises
    ------
    RequestError
        There is no such format, or none is recognized.
    """
    if name is not None:
        upper = name.upper().lstrip(".")
        found = BY_NAME.get(_OTHER_NAMES.get(upper, upper)) or _by_suffix(f".{upper.lower()}")
        if found is None:
            raise RequestError(
                f"{option('format', name[:40])}: no such format", f"there are {', '.join(BY_NAME)}"
            )
        return found
    bare = path.name.lower()
    while bare.endswith(PACKED):
        bare = bare.rpartition(".")[0]
    suffix = Path(bare).suffix
    named = _FILE_NAMES.get(bare.partition(".")[0]) or _FILE_NAMES.get(bare.partition("_")[0])
    known = BY_NAME[named] if named else _by_suffix(suffix)
    if known is None or len(list(_with_suffix(suffix))) > 1:
        known = _by_content(path) or known
    if known is None and suffix in _NOT_READ:
        what, _, mends = _NOT_READ[suffix].partition(": ")
        raise RequestError(f"{path}: {what}: not read", mends or "give a structure or a trajectory")
    if known is None:
        raise RequestError(
            f"{path}: no format that is read ends in {suffix or 'nothing'}, nor does it begin as "
            "one",
            f"say what it is with {option('format')}, such as LAMMPSDUMP, XTC, DCD, GRO, XYZ, BVH",
        )
    return known


def _with_suffix(suffix: str) -> Iterator[Readable]:
    return (one for one in READABLE if suffix in one.suffixes)


def _by_suffix(suffix: str) -> Readable | None:
    return next(_with_suffix(suffix), None)


def _by_content(path: Path) -> Readable | None:
    """Format by the first bytes, for files whose ending says nothing or too much."""
    try:
        with path.open("rb") as file:
            start = file.read(_SNIFFED)
    except OSError:
        return None
    for name, begin in (
        ("LAMMPSDUMP", b"ITEM: "),
        ("TRC", b"PathFileType"),
        ("GROMOS", b"TITLE\n"),
        ("BVH", b"HIERARCHY"),
        ("PSF", b"PSF"),
        ("PRMTOP", b"%VERSION"),
        ("ITP", b"#include"),
        ("ITP", b"#define"),
        ("ITP", b";"),
        ("ITP", b"["),
        ("MOL2", b"@<TRIPOS>"),
        ("PDB", b"HEADER "),
        ("PDB", b"CRYST1"),
        ("PDB", b"ATOM  "),
        ("TRAJ", b"- of Ulm"),
    ):
        if start.lstrip().startswith(begin):
            return BY_NAME[name]
    if _XYZ.match(start):
        return BY_NAME["XYZ"]
    if re.search(rb"^data_\S", start, re.MULTILINE):
        return BY_NAME["MMCIF"]
    for name, within in (("ESPRESSO", b"Program PWSCF"), ("GMS", b"GAMESS")):
        if within in start:
            return BY_NAME[name]
    if start.startswith(b"\x89HDF") and is_mdtraj(path):
        return BY_NAME["MDTRAJ"]
    if start[:4] == b"\x54\0\0\0" and start[4:8] == b"CORD":
        return BY_NAME["DCD"]
    for name, magic in (("XTC", 1995), ("TRR", 1993)):
        if start[:4] == magic.to_bytes(4):
            return BY_NAME[name]
    return None
