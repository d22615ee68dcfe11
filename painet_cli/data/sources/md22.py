"""MD22: seven molecules of 42 to 370 atoms at 400 to 500 K, DFT (PBE+MBD), a frame every 1 fs.

S. Chmiela et al., Science Advances 9, eadf0873 (2023): "sampled at temperatures between 400 K and
500 K at a resolution of 1 fs" (quoted with the data by ColabFit); numbers of frames as NequIP lists
them. No split for the prediction of trajectories has been published.
"""

from __future__ import annotations

from painet_cli.data.sources.md_collections import Collection, Molecule

MD22 = Collection(
    name="MD22",
    molecules={
        "Ac-Ala3-NHMe": Molecule("C12H22N4O4", 85_109),
        "DHA": Molecule("C22H32O2", 69_753),
        "stachyose": Molecule("C24H42O21", 27_272),
        "AT-AT": Molecule("C20H22N14O4", 20_001),
        "AT-AT-CG-CG": Molecule("C38H42N30O8", 10_153),
        "buckyball-catcher": Molecule("C120H28", 6_102),
        "double-walled_nanotube": Molecule("C326H44", 5_032),
    },
    frame_time_s=1e-15,
    # 0.5 ps: the shortest trajectory, 5,032 frames, then has 306 windows for validation and test
    delta_frames=500,
    source="MD22, quantum-machine.org/gdml",
    licence="none stated by its publisher",
    citation="S. Chmiela, V. Vassilev-Galindo, O. T. Unke, A. Kabylda, H. E. Sauceda, "
    "A. Tkatchenko, K.-R. Müller, Accurate global machine learning force fields for molecules with "
    "hundreds of atoms, Science Advances 9, eadf0873 (2023)",
    published={},
)
