"""Systems of any size that look to a model as a protein's backbone does, to measure costs on.

A chain of residues with the backbone's geometry runs to and fro in sheets, at the density of a
folded protein. What costs depend on is matched to apo adenylate kinase (855 backbone atoms):
nearest neighbours, and how many neighbours there are within 3 to 10 angstrom and how that varies
from atom to atom; `tests/benchmark/test_synthetic_backbone.py` holds the two side by side. Nothing
else is: no fold, no side chains, and no motion worth predicting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.graph import Graph, graph_of

NEIGHBOURS = 20
"""Mean number of neighbours of a particle."""
HOPS = 2
"""Largest `edge_hop`: 1 along covalent bonds, 2 for all other neighbours."""

_ATOMS = ("N", "CA", "C", "O")
# angstrom; CA at the origin, C along x (Engh & Huber 1991, as AlphaFold's rigid groups have it)
_N, _CA, _C = (-0.525, 1.363, 0.0), (0.0, 0.0, 0.0), (1.526, 0.0, 0.0)
_O_ALONG, _O_ACROSS = 0.627, 1.062
# angstrom between residues along the chain, between strands and between sheets
_CELL = np.array([3.7, 4.4, 9.5])
_SPREAD = np.array([0.09, 0.3, 0.3])  # of residues about their places, angstrom
_TREMBLE, _TILT, _PSI = 0.05, 0.1, 0.3  # of atoms, angstrom; of residues and carbonyls, radians
_SPEED = 0.3  # angstrom a frame along an axis
_REACH = 1.25  # search radius over the one that gives the wanted neighbours in the bulk
# percent of residues in UniProtKB/Swiss-Prot
_RESIDUES = {
    "ALA": 8.25, "ARG": 5.53, "ASN": 4.06, "ASP": 5.46, "CYS": 1.38, "GLN": 3.93, "GLU": 6.72,
    "GLY": 7.07, "HIS": 2.27, "ILE": 5.91, "LEU": 9.65, "LYS": 5.80, "MET": 2.41, "PHE": 3.86,
    "PRO": 4.74, "SER": 6.65, "THR": 5.36, "TRP": 1.10, "TYR": 2.92, "VAL": 6.86,
}  # fmt: skip

TYPE_NAMES = tuple(f"{residue} {atom}" for residue in _RESIDUES for atom in _ATOMS)
"""Residue and atom: 80 types."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """Backbone atoms of a chain, in its order.

    Attributes
    ----------
    positions
        (N, 3) float32, angstrom.
    velocities
        (N, 3) float32, angstrom a frame.
    types
        (N,) int64, index into `TYPE_NAMES`.
    """

    positions: NDArray[np.float32]
    velocities: NDArray[np.float32]
    types: NDArray[np.int64]


def synthetic_backbone(particles: int, seed: int = 1) -> Backbone:
    """Draw a chain of so many atoms; of the last residue, as many as are left.

    O(N): a million atoms take about a second.
    """
    rng = np.random.default_rng(seed)
    residues = -(-particles // len(_ATOMS))
    places, backwards = _to_and_fro(residues)
    places += rng.normal(size=places.shape) * _SPREAD
    atoms = _turned(_residues(rng, residues), backwards, rng) + places[:, None]
    positions = atoms.reshape(-1, 3)[:particles]
    positions += rng.normal(scale=_TREMBLE, size=positions.shape)
    shares = np.array(list(_RESIDUES.values()))
    residue = rng.choice(len(_RESIDUES), residues, p=shares / shares.sum())
    types = residue[:, None] * len(_ATOMS) + np.arange(len(_ATOMS))
    velocities = rng.normal(scale=_SPEED, size=positions.shape)
    return Backbone(
        positions.astype(np.float32),
        velocities.astype(np.float32),
        types.reshape(-1)[:particles].astype(np.int64),
    )


def _to_and_fro(residues: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Places (R, 3) of residues along a path that fills a cube, and which run backwards."""
    side = (residues * _CELL.prod()) ** (1 / 3)
    in_strand, in_sheet = (max(1, round(side / step)) for step in _CELL[:2])
    strand, along = np.divmod(np.arange(residues), in_strand)
    sheet, across = np.divmod(strand, in_sheet)
    along = np.where(strand % 2, in_strand - 1 - along, along)
    across = np.where(sheet % 2, in_sheet - 1 - across, across)
    return np.stack([along, across, sheet], axis=1) * _CELL, strand % 2 == 1


def _residues(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """(R, 4, 3) atoms of residues about their centres, the carbonyl away from the chain's way."""
    psi = np.pi + rng.normal(scale=_PSI, size=count)
    oxygen = np.stack(
        [
            np.full(count, _C[0] + _O_ALONG),
            -_O_ACROSS * np.cos(psi),
            -_O_ACROSS * np.sin(psi),
        ],
        axis=1,
    )
    others = np.broadcast_to(np.array([_N, _CA, _C]), (count, 3, 3))
    atoms: NDArray[np.float64] = np.concatenate([others, oxygen[:, None]], axis=1)
    atoms -= atoms.mean(axis=1, keepdims=True)
    return atoms


def _turned(
    atoms: NDArray[np.float64],  # (R, 4, 3)
    backwards: NDArray[np.bool_],  # (R,)
    rng: np.random.Generator,
) -> NDArray[np.float64]:  # (R, 4, 3)
    """Residues with N to C along the strand, turned about it at random and tilted a little."""
    count = len(atoms)
    way = np.array(_C) - np.array(_N)
    along, _ = Rotation.align_vectors([[1.0, 0.0, 0.0]], [way / np.linalg.norm(way)])
    about = Rotation.from_rotvec(np.outer(rng.uniform(0, 2 * np.pi, count), [1.0, 0.0, 0.0]))
    back = Rotation.from_rotvec(np.outer(np.pi * backwards, [0.0, 0.0, 1.0]))
    tilt = Rotation.from_rotvec(rng.normal(scale=_TILT, size=(count, 3)))
    turn = (tilt * back * about * along).as_matrix()
    turned: NDArray[np.float64] = atoms @ turn.transpose(0, 2, 1)
    return turned


def nearest_pairs(positions: NDArray[np.floating], neighbours: int) -> NDArray[np.int64]:
    """Find the closest pairs of a system, as many as give a particle `neighbours` on average.

    It is the graph of a cutoff, of the length that makes the mean come out at every size; systems
    too small for it are joined all with all.

    Parameters
    ----------
    positions
        (N, 3), angstrom, at the density of `synthetic_backbone`.

    Returns
    -------
    array
        (P, 2) pairs i < j, P = N * neighbours / 2.
    """
    count = len(positions)
    wanted = min(count * neighbours // 2, count * (count - 1) // 2)
    density = len(_ATOMS) / _CELL.prod()
    radius = _REACH * (3 * neighbours / (4 * np.pi * density)) ** (1 / 3)
    tree = cKDTree(positions)
    pairs = tree.query_pairs(radius, output_type="ndarray")
    while len(pairs) < wanted:  # few particles have most of them at the surface
        radius *= 1.5
        pairs = tree.query_pairs(radius, output_type="ndarray")
    apart = positions[pairs[:, 0]] - positions[pairs[:, 1]]
    squared = np.einsum("ij,ij->i", apart, apart)
    nearest: NDArray[np.int64] = pairs[np.argpartition(squared, wanted - 1)[:wanted]]
    return nearest


def backbone_graph(backbone: Backbone) -> Graph:
    """Graph of the closest pairs, both ways; covalent bonds count one hop, all else two."""
    first, second = np.sort(nearest_pairs(backbone.positions, NEIGHBOURS), axis=1).T
    place = first % len(_ATOMS)
    # N-CA, CA-C and C-O inside a residue, C-N to the next
    bonded = (second - first == 1) & (place < 3) | (second - first == 2) & (place == 2)
    hop = torch.from_numpy(np.where(bonded, 1, HOPS))
    ends = torch.from_numpy(np.stack([first, second]))
    return graph_of(
        torch.from_numpy(backbone.types),
        torch.cat([ends, ends.flip(0)], dim=1),
        torch.cat([hop, hop]),
    )


def synthetic_batch(particles: int, horizon: int, seed: int = 1) -> Batch:
    """One synthetic system as a batch, with targets on noisy straight lines.

    Parameters
    ----------
    particles, horizon
        N and T.
    """
    backbone = synthetic_backbone(particles, seed)
    x, v = torch.from_numpy(backbone.positions), torch.from_numpy(backbone.velocities)
    noise = torch.Generator().manual_seed(seed)
    targets = torch.empty((horizon, particles, 3))
    for step, target in enumerate(targets, 1):
        way: Tensor = torch.randn((particles, 3), generator=noise).mul_(_SPEED)
        torch.add(x, v + way, alpha=step, out=target)
    return Batch(backbone_graph(backbone), x, v, targets)
