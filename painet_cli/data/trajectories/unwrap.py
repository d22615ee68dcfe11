"""Periodic boxes: molecules made whole, and followed across the boundary."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from painet_cli.data.particles.bonds import inverse_box

_FEWEST_ATOMS = 4
"""Atoms of the smallest molecule that is brought to others: not those of water."""
_MOST_CHAINS = 64
"""Molecules that are brought together; more of them fill the box, and belong nowhere."""
_IMAGES = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
"""In a skew box, rounding may miss the nearest image by an edge."""


class Unwrapper:
    """Undoes the wrapping of a trajectory into its box, frame after frame.

    In every frame each molecule is made whole along its bonds, then put into the periodic image
    whose centre is nearest to where the molecule was in the frame before. Atoms are not followed
    one by one: a molecule that moves by about half a box between frames stays in one piece.

    Fractional coordinates are rounded, which finds the right image of every bond shorter than half
    the box's smallest height, in triclinic boxes too.

    In the first frame, molecules that a face of the box parts are brought together: beginning with
    the largest, the one whose centre is nearest goes into the image next to that which it is near.
    Water and ions stay where they are, and so does everything in a box of many molecules.

    Parameters
    ----------
    bonds
        (B, 2) pairs of atoms of the whole topology.
    atom_count
        Atoms of the whole topology.
    selected
        (S,) atoms to be given back. Their whole molecules are looked at, no others.
    together
        Bring molecules that the box parts together in the first frame.
    """

    def __init__(
        self,
        bonds: NDArray[np.int64],
        atom_count: int,
        selected: NDArray[np.int64],
        *,
        together: bool = True,
    ) -> None:
        ends = (bonds[:, 0], bonds[:, 1])
        graph = coo_array((np.ones(len(bonds)), ends), shape=(atom_count, atom_count))
        _, molecule = connected_components(graph, directed=False)
        self._atoms = np.flatnonzero(np.isin(molecule, molecule[selected]))
        self._selected = np.searchsorted(self._atoms, selected)
        _, first, self._molecule = np.unique(
            molecule[self._atoms], return_index=True, return_inverse=True
        )
        kept = np.isin(bonds, self._atoms).all(axis=1)
        self._parent = _spanning_forest(np.searchsorted(self._atoms, bonds[kept]), first)
        self._ancestors = _doubled(self._parent)
        self._centre: NDArray[np.float64] | None = None
        self._sizes = np.bincount(self._molecule)
        chains = np.flatnonzero(self._sizes >= _FEWEST_ATOMS)
        order = chains[np.argsort(-self._sizes[chains], kind="stable")]
        self._chains = order if together and len(order) <= _MOST_CHAINS else order[:0]

    def __call__(
        self,
        positions: NDArray[np.floating],  # (N, 3)
        box: NDArray[np.floating],  # (3, 3)
    ) -> NDArray[np.float64]:
        """Positions of the selected atoms, (S, 3), of the frame that follows the last one."""
        fractional = positions[self._atoms].astype(np.float64) @ inverse_box(box)
        image = -np.rint(fractional - fractional[self._parent])
        for ancestor in self._ancestors:  # sums along every path to a root, in log(depth) steps
            image += image[ancestor]
        inside = fractional + image
        sums = [np.bincount(self._molecule, inside[:, axis]) for axis in range(3)]
        centre = np.stack(sums, axis=1) / self._sizes[:, None]
        if self._centre is None:
            moved = _together(centre, self._chains, box)
        else:
            moved = -np.rint(centre - self._centre)
        self._centre = centre + moved
        image += moved[self._molecule]
        # positions that stay where they are keep their bits
        x = positions[self._atoms[self._selected]].astype(np.float64)
        whole: NDArray[np.float64] = x + image[self._selected] @ box
        return whole


def _together(
    centre: NDArray[np.float64],  # (K, 3), fractional
    chains: NDArray[np.int64],  # the largest first
    box: NDArray[np.floating],  # (3, 3)
) -> NDArray[np.float64]:  # (K, 3)
    """Edges of the box that molecules are moved by, so that each lies by its nearest neighbour."""
    moved = np.zeros_like(centre)
    placed, left = chains[:1].tolist(), chains[1:].tolist()
    while left:
        # (placed, left, images of the box, 3)
        apart = (centre + moved)[placed][:, None] - centre[left]
        near = np.rint(apart)[..., None, :] + _IMAGES
        length = np.linalg.norm((apart[..., None, :] - near) @ box, axis=-1)
        to, one, image = np.unravel_index(int(np.argmin(length)), length.shape)
        chain = left.pop(int(one))
        moved[chain] = near[to, one, image]
        placed.append(chain)
    return moved


def _spanning_forest(bonds: NDArray[np.int64], roots: NDArray[np.int64]) -> NDArray[np.int64]:
    """Parent of every atom in a tree of bonds a molecule; a root is its own parent."""
    count = int(max(roots.max(), bonds.max(initial=0))) + 1
    # one search reaches all molecules from a node that joins their roots
    source = np.concatenate([bonds[:, 0], np.full(len(roots), count)])
    target = np.concatenate([bonds[:, 1], roots])
    graph = coo_array((np.ones(len(source)), (source, target)), shape=(count + 1, count + 1))
    _, parent = breadth_first_order(graph, count, directed=False)
    tree: NDArray[np.int64] = parent[:count].astype(np.int64)
    tree[roots] = roots
    return tree


def _doubled(parent: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Parents, grandparents, ancestors 4, 8, ... steps up, until all are roots."""
    steps = [parent]
    while (steps[-1] != (above := steps[-1][steps[-1]])).any():
        steps.append(above)
    return steps
