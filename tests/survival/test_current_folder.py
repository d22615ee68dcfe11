"""Nothing that lies in the folder where a command is typed is run as code."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

RAN = "ran.txt"
PAINET = Path(sysconfig.get_path("scripts")) / "painet"
NAMES = sorted({*sys.stdlib_module_names} - {"__main__"})


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of every name of the standard library, each of which leaves a trace."""
    folder = tmp_path_factory.mktemp("planted")
    for name in NAMES:
        (folder / f"{name}.py").write_text(f"open({str(folder / RAN)!r}, 'a').write('{name} ')\n")
    return folder


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Names and frames of a bent chain, as PDB and XTC."""
    folder = tmp_path_factory.mktemp("trajectory")
    chain = MDAnalysis.Universe.empty(4, trajectory=True)
    for name, values in (("names", ["C1", "C2", "C3", "O1"]), ("elements", ["C", "C", "C", "O"])):
        chain.add_TopologyAttr(name, values)
    chain.add_TopologyAttr("resnames", ["MOL"])
    start = np.array([[0, 0, 0], [1.5, 0, 0], [2, 1.4, 0], [3.4, 1.5, 0]])
    chain.load_new(start + 0.01 * np.arange(4)[:, None, None], dt=0.01)
    chain.dimensions = [50, 50, 50, 90, 90, 90]
    with pytest.warns(UserWarning):
        chain.atoms.write(folder / "chain.pdb")
    chain.atoms.write(folder / "chain.xtc", frames="all")
    return folder / "chain.pdb", folder / "chain.xtc"


@pytest.mark.parametrize(
    "command",
    [
        "predict {xtc} --topology {pdb} -T 1 --checkpoint {heavy} -o {out}",
        "prepare trajectory --topology {pdb} --trajectory {xtc} --name c --delta-frames 1",
        "bench tables --presets demo --models linear --epochs 1 --data-dir {data} -o {out}",
        "bench scaling --sizes 100 --models linear --repeats 1 -o {out}",
        "data show sample --data-dir {data}",
        "checkpoints",
        "presets",
    ],
    ids=lambda command: " ".join(command.split()[:2]),
)  # fmt: skip
def test_a_module_of_the_current_folder_is_never_imported(
    command: str, planted: Path, trajectory: tuple[Path, Path], data_dir: Path, tmp_path: Path
) -> None:
    pdb, xtc = trajectory
    heavy = Path(__file__).parents[1] / "reference/ethanol-heavy.safetensors"
    names = {"pdb": pdb, "xtc": xtc, "data": data_dir, "out": tmp_path / "out", "heavy": heavy}
    words = command.format(**names).split()
    done = subprocess.run([PAINET, *words], cwd=planted, capture_output=True, text=True)
    assert "internal" not in done.stderr
    assert done.returncode in (0, 2), done.stderr
    assert not (planted / RAN).exists(), f"run: {(planted / RAN).read_text()}"


def test_the_plant_would_be_noticed(planted: Path, tmp_path: Path) -> None:
    trace = planted / RAN
    subprocess.run([sys.executable, "-c", "import wave"], cwd=planted, capture_output=True)
    assert trace.exists()
    trace.unlink()
