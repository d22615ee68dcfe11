"""Formats that painet or ASE reads: who their atoms are, and their frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import ValidationError

from painet_cli.data.formats.amber_restart import RestartReader
from painet_cli.data.formats.ase_files import AseReader, EspressoReader, read_ase
from painet_cli.data.formats.frame import FrameReader
from painet_cli.data.formats.g96 import G96Reader, read_g96
from painet_cli.data.formats.gro import GroReader
from painet_cli.data.formats.lammps_dump import DumpReader, read_dump
from painet_cli.data.formats.mdtraj_h5 import MdtrajReader, read_mdtraj
from painet_cli.data.formats.mmcif import MmcifReader
from painet_cli.data.formats.sdf import SdfReader, read_sdf
from painet_cli.data.formats.xyz import XyzReader, read_xyz
from painet_cli.data.particles.particles import Particles
from painet_cli.errors import RequestError


@dataclass(frozen=True)
class OwnFormat:
    """What reads a format.

    Attributes
    ----------
    frames
        Opens the frames of a file.
    names
        Reads who the atoms are; None where MDAnalysis does, or the file does not say.
    """

    frames: Callable[[Path], FrameReader]
    names: Callable[[Path], Particles] | None = None

    def particles(self, path: Path) -> Particles | None:
        """Who the atoms of a file are, as `names` reads it.

        Raises
        ------
        RequestError
            The file is damaged, or a name in it would not print.
        """
        try:
            return self.names(path) if self.names else None
        except ValidationError as error:
            raise RequestError(
                f"{path}: names an atom by what would not print on a line", "is it the right file?"
            ) from error


OWN = {
    "XYZ": OwnFormat(XyzReader, read_xyz),
    "GRO": OwnFormat(GroReader),
    "G96": OwnFormat(G96Reader, read_g96),
    "NCRST": OwnFormat(RestartReader),
    "LAMMPSDUMP": OwnFormat(DumpReader, read_dump),
    "MMCIF": OwnFormat(MmcifReader),
    "BCIF": OwnFormat(MmcifReader),
    "MDTRAJ": OwnFormat(MdtrajReader, read_mdtraj),
    "SDF": OwnFormat(SdfReader, read_sdf),
    "ESPRESSO": OwnFormat(EspressoReader, partial(read_ase, "espresso-out")),
    **{
        name: OwnFormat(partial(AseReader, form), partial(read_ase, form))
        for name, form in (
            ("TRAJ", "traj"),
            ("XDATCAR", "vasp-xdatcar"),
            ("POSCAR", "vasp"),
            ("FHIAIMS", "aims"),
        )
    },
}
