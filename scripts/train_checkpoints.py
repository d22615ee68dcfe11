"""Train the models that come with painet, and write a card for each.

    OMP_NUM_THREADS=1 python scripts/train_checkpoints.py --data-dir DIR

trains all of them on one core, one after another; names after the command choose some. Where a
dataset is not prepared, the command that prepares it is printed instead. A model is trained by

    painet train --preset presets/shipped/NAME.yaml --budget MINUTES

A finished run of it in `--run-dir` is used as it is, unless `--again` is given; one that its budget
stopped goes on where a larger `--budget` is given. The weights of the best validation epoch go to
`painet_cli/checkpoints/NAME.safetensors`, the card to `NAME.yaml` beside it: what it was trained
on, its errors on the test windows, and the errors there of guesses that need no model.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from torch import Tensor

from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.offsets import target_offsets
from painet_cli.data.batches.windows import Windows
from painet_cli.data.dataset.dataset import Dataset, open_dataset
from painet_cli.evaluation.evaluate import evaluate_run
from painet_cli.evaluation.evaluation import Evaluation
from painet_cli.evaluation.opened_run import load_run, windows_for
from painet_cli.evaluation.systems import SystemErrors, yardstick_errors
from painet_cli.evaluation.yardsticks import GAUSSIAN_KERNEL
from painet_cli.models.base import DynamicsModel
from painet_cli.prediction.yardsticks import NEAREST_SUPERPOSED
from painet_cli.storage.atomic import file_sha256, write_text
from painet_cli.storage.provenance import without_folders
from painet_cli.training.checkpoint import load_checkpoint, save_checkpoint
from painet_cli.training.loss import squared_errors
from painet_cli.training.record import RECORD
from painet_cli.training.run_folder import BEST, LAST

ROOT = Path(__file__).parents[1]
PRESETS = ROOT / "presets/shipped"
CHECKPOINTS = ROOT / "painet_cli/checkpoints"
CPU = torch.device("cpu")
DIGITS = 5

GUESSES = ("straight_on", "still", "centre", "mean_position")
LEARNED = {"nearest_window_mse": NEAREST_SUPERPOSED, "kernel_mse": GAUSSIAN_KERNEL}
"""Yardsticks of `painet evaluate` that have seen the training windows."""
VELOCITIES = {
    "next": "difference to the next frame, as in the benchmarks",
    "before": "difference to the frame before, as at the end of a trajectory",
}
OPENMM_CITATION = (
    "OpenMM: P. Eastman et al., J. Phys. Chem. B 128, 109 (2024); ff14SB: J. A. Maier et al., "
    "J. Chem. Theory Comput. 11, 3696 (2015); OBC2: A. Onufriev, D. Bashford, D. A. Case, Proteins "
    "55, 383 (2004). Structures: Protein Data Bank."
)
MOTION_LIMITS = (
    "One person. Other people, heavier loads, stairs or slopes were never seen.",
    "CMU's skeleton of 31 joints in ASF units, y up, 120 frames a second: no other skeleton fits.",
    "Heights above ground are read, so predictions turn with the person about the vertical only.",
    "A quarter of a second at once; what is further off is rolled out, and errors add up.",
    "Joints are predicted as points: lengths of bones are learned, not enforced.",
)
PROTEIN_LIMITS = (
    "Learned from nine proteins and peptides of 18 to 70 residues, 50 ps of each at 300 K in "
    "implicit solvent with a friction of 1/ps: they move more than in water, and peptides lose "
    "their shape.",
    "A protein falls back towards where it has been: one that is pushed elsewhere, such as "
    "adenylate kinase in biased transitions, is predicted worse than by nothing moves.",
    "Backbone atoms N, CA, C and O alone, in frames superposed on the first; of residues it knows "
    "nothing.",
    "Frames 1 to 10 ps apart, two at once; what is further off is rolled out, and errors add up.",
    "A prediction is close to a mean over what may happen: it moves less than a protein does.",
    "Bond lengths and clashes are not enforced.",
)
ANY_MOLECULE_LIMITS = (
    "All atoms of molecules of H, C, N, O, F, S and Cl with 5 to 18 atoms, in vacuum on the "
    "GFN2-xTB surface, 2 ps of each of 45 at 500 K and of five of them at 300 K: other charges, "
    "radicals, metals and larger molecules were never seen.",
    "Frames 1 to 50 fs apart, three at once; what is further off is rolled out, and errors add up.",
    "Bonds are those of the start, and their lengths are not enforced.",
)
SAMPLE_LIMITS = (
    "One ethanol molecule at 500 K in vacuum, 10 ps on the GFN2-xTB surface, all nine atoms: made "
    "to try things out, not for science.",
    "Five steps of 4 fs at once; what is further off is rolled out, and errors add up.",
)


@dataclass(frozen=True)
class Shipped:
    """What a card says that no dataset knows.

    Attributes
    ----------
    title, system
        What it predicts, and whose motion that is.
    prepare
        Command that prepares its dataset.
    minutes
        Most minutes of training.
    limits
        Sentences.
    citation
        Of the data, where the dataset does not know it.
    data_licence
        The same.
    times
        Between the frames of test windows, at which its skill is told.
    """

    title: str
    system: str
    prepare: str
    minutes: float
    limits: tuple[str, ...]
    citation: str = ""
    data_licence: str = ""
    times: tuple[str, ...] = ()


def _motion(kind: str, subject: int, source: str, minutes: float) -> Shipped:
    return Shipped(
        title=f"A person {kind}, a quarter of a second ahead",
        system=f"31 joints, CMU motion capture, subject {subject}, {kind}",
        prepare=f"painet prepare mocap --subject {subject} --source {source}",
        minutes=minutes,
        limits=MOTION_LIMITS,
    )


MODELS = {
    "sample": Shipped(
        title="Ethanol of the sample, 20 fs ahead",
        system="all nine atoms of one ethanol molecule in vacuum",
        prepare="painet prepare sample",
        minutes=6,
        limits=SAMPLE_LIMITS,
    ),
    "molecule": Shipped(
        title="Small organic molecules, 1 to 150 fs ahead",
        system="all atoms of a small organic molecule in vacuum",
        prepare=(
            "python scripts/make_molecules.py DIR && painet prepare trajectory --topology "
            "DIR/NAME.pdb --trajectory DIR/NAME-500K.dcd ... --name molecules-all --delta-frames "
            "150 --split random && painet prepare merge molecules-all --name molecule --val NAME "
            "... --test NAME ..."
        ),
        minutes=30,
        limits=ANY_MOLECULE_LIMITS,
        citation=(
            "GFN2-xTB: C. Bannwarth, S. Ehlert, S. Grimme, J. Chem. Theory Comput. 15, 1652 (2019)."
        ),
        data_licence="MIT: scripts/make_molecules.py of painet's repository simulated them",
        times=("1fs", "2fs", "5fs", "10fs", "20fs", "50fs"),
    ),
    "mocap-walk": _motion("walking", 35, "DIR", minutes=60),
    "mocap-run": _motion("running", 9, "FILE.npz", minutes=60),
    "protein-backbone": Shipped(
        title="Any protein's backbone, 1 to 20 ps ahead",
        system="backbone atoms (N, CA, C, O) of a protein or peptide",
        prepare=(
            "python scripts/make_proteins.py DIR STRUCTURES --frames 50 && painet prepare "
            "trajectory --topology DIR/NAME.pdb --trajectory DIR/NAME-0.dcd ... --name backbones "
            "--select backbone --superpose --split random --delta-frames 20 --horizon 2 && painet "
            "prepare merge backbones --name protein-backbone --val NAME --test NAME ..."
        ),
        minutes=30,
        limits=PROTEIN_LIMITS,
        citation=OPENMM_CITATION,
        data_licence="MIT: scripts/make_proteins.py of painet's repository simulated them",
        times=("1ps", "2ps", "5ps", "10ps"),
    ),
}


def main() -> None:
    """Train, copy, evaluate, write cards; the exit status is 2 where a dataset is missing."""
    options = _options()
    names = options.names or list(MODELS)
    missing = [name for name in names if not (options.data_dir / name).is_dir()]
    for name in missing:
        print(f"{MODELS[name].prepare} --data-dir {options.data_dir}")
    if missing:
        raise SystemExit(2)
    for name in names:
        minutes = options.budget or MODELS[name].minutes
        run = None if options.again else finished_run(options.run_dir / name)
        if options.cards and run is None:
            print(f"{name}: no finished run in {options.run_dir / name}")
            continue
        if run is None or (not options.cards and has_more_to_learn(run, minutes)):
            run = train(name, run, minutes, options.data_dir, options.run_dir)
        ship(name, run)
        content = card(name, run, minutes, options.data_dir)
        content["sha256"] = file_sha256(CHECKPOINTS / f"{name}.safetensors")
        write_text(CHECKPOINTS / f"{name}.yaml", _yaml(content))
        print(_line(name, content), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(MODELS))
    parser.add_argument("--data-dir", type=Path, default=Path("data"), help="prepared datasets")
    parser.add_argument("--run-dir", type=Path, default=Path("runs/shipped"), help="for the runs")
    parser.add_argument("--budget", type=float, help="most minutes of training, for every model")
    parser.add_argument("--cards", action="store_true", help="train nothing: copy what is there")
    parser.add_argument("--again", action="store_true", help="train even where a run is there")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(MODELS))
    if unknown:
        parser.error(f"no shipped model named {', '.join(unknown)}")
    return options


def finished_run(folder: Path) -> Path | None:
    """Newest run below a folder whose training came to its end."""
    records = folder.glob(f"*/{RECORD}")
    done = [path.parent for path in records if json.loads(path.read_text())["status"] == "done"]
    return max(done, default=None)


def has_more_to_learn(run: Path, minutes: float) -> bool:
    """Whether a run was stopped by a smaller budget than this."""
    _, header = load_checkpoint(run / LAST)
    stopped_by = json.loads((run / RECORD).read_text())["stopped_by"]
    return bool(stopped_by == "budget" and header.progress.seconds < 60 * minutes)


def train(name: str, run: Path | None, minutes: float, data_dir: Path, run_dir: Path) -> Path:
    """Train a model as the command line does, from the start or from where a run stopped."""
    painet = str(Path(sys.executable).with_name("painet"))
    command = ["--resume", str(run)] if run else ["--preset", str(PRESETS / f"{name}.yaml")]
    limits = ["--budget", f"{minutes:g}", "--data-dir", str(data_dir), "--run-dir", str(run_dir)]
    done = subprocess.run(
        [painet, "train", *command, *limits, "--json"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return Path(json.loads(done.stdout)["run"])


def ship(name: str, run: Path) -> None:
    """Copy a run's best weights and error bars, and nothing else of it, into the package."""
    tensors, header = load_checkpoint(run / BEST)
    kept = {key: value for key, value in tensors.items() if key.startswith(("model/", "radii/"))}
    header = header.model_copy(update={"command": without_folders(header.command)})
    save_checkpoint(CHECKPOINTS / f"{name}.safetensors", kept, header)


def card(name: str, run: Path, minutes: float, data_dir: Path) -> dict[str, Any]:
    """What is to be known of a trained model, all of it measured on the run's test windows."""
    about = MODELS[name]
    model, header, dataset = load_run(run, data_dir, CPU)
    evaluation = evaluate_run(run, data_dir, CPU, rivals=True, error_bars=True)
    preset, manifest = header.preset, dataset.manifest
    prepared = open_dataset(data_dir / name)
    windows = windows_for(dataset, preset, "test")
    offsets = target_offsets(preset.data)
    parts = {part: len(windows_for(dataset, preset, part)) for part in ("train", "val")}
    record = json.loads((run / RECORD).read_text())
    several = bool(manifest.systems)
    guesses = yardsticks_of_several(windows) if several else yardsticks(dataset, windows)
    guesses |= {
        key: _round(float(np.mean(evaluation.yardsticks[name])))
        for key, name in LEARNED.items()
        if name in evaluation.yardsticks
    }
    limits = [*about.limits, *_beaten_by(evaluation.mse, guesses)]
    return {
        "title": about.title,
        "system": about.system,
        "trained_on": trained_on(prepared),
        "dataset": name,
        "label": header.dataset_label,
        "frames": prepared.manifest.frame_count,
        "source": manifest.origin.source,
        "dataset_sha256": header.dataset_sha256,
        "split": (
            f"{evaluation.split_kind}: {parts['train']} training, {parts['val']} validation and "
            f"{evaluation.windows} test windows of {preset.data.delta_frames} frames; "
            f"{evaluation.leak:.0%} of the test windows overlap a training window"
        ),
        "unit": evaluation.unit,
        "mse": _round(evaluation.mse),
        **guesses,
        "step_mse": [_round(value) for value in evaluation.step_mse],
        **({"systems": [_system(one) for one in evaluation.systems]} if several else {}),
        **(
            {"skill_at": {time: _skill(run, data_dir, time) for time in about.times}}
            if about.times
            else {}
        ),
        **_held(evaluation),
        "velocity": VELOCITIES[preset.data.velocity or "next"],
        "past_velocity": (
            {"windows": len(windows), "mse": _round(evaluation.mse)}
            if preset.data.velocity == "before"
            else past_velocity(model, windows, preset.train.batch_size)
        ),
        "horizon": preset.data.horizon,
        "offsets": offsets.tolist(),
        "step_s": float(f"{_step_s(offsets, manifest.units.frame_time_s):.6g}"),
        "frame_time_s": float(f"{manifest.units.frame_time_s:.6g}"),
        "limits": limits,
        "licence": "MIT",
        "data_licence": about.data_licence or manifest.origin.licence,
        "citation": " ".join(text for text in (about.citation, _cited(dataset)) if text),
        "command": (
            f"{about.prepare} && painet train --preset presets/shipped/{name}.yaml "
            f"--budget {minutes:g}"
        ),
        **({} if header.start is None else {"started_from": dict(header.start)}),
        "epochs": record["epochs"],
        "best_epoch": record["best_epoch"],
        "stopped_by": record["stopped_by"],
        "seed": preset.train.seed,
        "parameters": evaluation.parameters,
        "painet_version": header.painet_version,
        "card_by": f"painet {version('painet')}, scripts/train_checkpoints.py",
    }


def _skill(run: Path, data_dir: Path, time: str) -> dict[str, list[float]]:
    """Skill at each step on every test system, its frames so far apart."""
    found = evaluate_run(run, data_dir, CPU, delta_time=(time, time))
    return {one.name: [round(value, 2) for value in one.skill] for one in found.systems}


def _held(evaluation: Evaluation) -> dict[str, list[float]]:
    """Share of the test particles within the checkpoint's own 90 % radii, at each step."""
    bars = evaluation.coverage
    if bars is None or bars.source != "checkpoint":
        return {}
    return {"coverage_90": [round(value, 3) for value in bars.coverage]}


def _beaten_by(mse: float, guesses: dict[str, float]) -> Iterator[str]:
    for guess, value in guesses.items():
        if value <= mse:
            name = guess.removesuffix("_mse").replace("_", " ")
            yield f"On its test windows it is no better than the yardstick `{name}`: {value:g}."


def trained_on(dataset: Dataset) -> str:
    """Which data, how many frames, and what they are called where they are no benchmark's."""
    manifest = dataset.manifest
    label = manifest.origin.label
    frames = f"{manifest.frame_count:,} frames"
    if len(manifest.segments) > 1:
        frames += f" in {len(manifest.segments)} recordings"
    return f"{label or 'dataset'} {manifest.name}, {frames}"


def _cited(dataset: Dataset) -> str:
    citation = dataset.manifest.origin.citation
    return "" if citation == "not stated" else f"{citation.removesuffix('.')}."


def yardsticks(dataset: Dataset, windows: Windows) -> dict[str, float]:
    """Errors of guesses on the same windows.

    `straight_on` goes on with the velocity the model is given, `still` stays at the start,
    `centre` puts every particle at the centre of all at the start, which is what is left to say of
    a molecule that has turned many times, and `mean_position` is every particle's mean over the
    frames of the training windows.
    """
    starts = dataset.starts("train")[:, None] + np.arange(int(windows.offsets[-1]) + 1)
    mean = np.asarray(dataset.frames[np.unique(starts)], dtype=np.float64).mean(axis=0)
    offsets = torch.from_numpy(windows.offsets).view(-1, 1, 1)
    sums = dict.fromkeys(GUESSES, 0.0)
    for batch in windows.batches(100):
        systems = batch.graph.num_systems
        place = torch.from_numpy(mean).float().repeat(systems, 1)
        straight = batch.positions + offsets * batch.velocities
        centre = batch.positions.view(systems, -1, 3).mean(dim=1).repeat_interleave(len(mean), 0)
        guesses = (straight, batch.positions, centre, place)
        for key, guess in zip(sums, guesses, strict=True):
            sums[key] += systems * _mse(guess, batch)
    return {f"{key}_mse": _round(total / len(windows)) for key, total in sums.items()}


def yardsticks_of_several(windows: Windows) -> dict[str, float]:
    """The guesses that know nothing of a system but its start, on windows of several systems."""
    still, straight = yardstick_errors(windows, 100)
    centre = 0.0
    for batch in windows.batches(100):
        graph = batch.graph
        sums = torch.zeros(graph.num_systems, 3).index_add_(0, graph.system, batch.positions)
        guess = (sums / graph.ptr.diff()[:, None])[graph.system].expand_as(batch.known_targets())
        centre += float(squared_errors(guess, batch).double().mean(dim=1).sum())
    found = {"straight_on": straight.mean(), "still": still.mean(), "centre": centre / len(windows)}
    return {f"{key}_mse": _round(float(value)) for key, value in found.items()}


def _system(one: SystemErrors) -> dict[str, Any]:
    """Errors of a test system that was never trained on, a step."""
    return {
        "name": one.name,
        "windows": one.windows,
        "mse": [_round(value) for value in one.step_mse],
        "still": [_round(value) for value in one.still],
        "straight_on": [_round(value) for value in one.straight],
        "skill": [round(value, 2) for value in one.skill],
    }


@torch.no_grad()
def past_velocity(model: DynamicsModel, windows: Windows, batch_size: int) -> dict[str, Any]:
    """Errors where the velocity is the difference to the frame before, as at the end of a file.

    A window's own velocity is the difference to the next frame, as published. Windows that start
    with a recording have no frame before and are left out.
    """
    errors = []
    for batch in _from_the_past(windows, batch_size):
        offsets = torch.from_numpy(windows.offsets).view(-1, 1, 1)
        straight = batch.positions + offsets * batch.velocities
        errors.append((batch.graph.num_systems, _mse(model(batch), batch), _mse(straight, batch)))
    count, predicted, straight_on = np.array(errors).T
    return {
        "windows": int(count.sum()),
        "mse": _round(float(predicted @ count / count.sum())),
        "straight_on_mse": _round(float(straight_on @ count / count.sum())),
    }


def _from_the_past(windows: Windows, batch_size: int) -> Iterator[Batch]:
    first = {segment.start for segment in windows.dataset.manifest.segments}
    chosen = [k for k, start in enumerate(windows.starts.tolist()) if start not in first]
    for part in torch.split(torch.tensor(chosen), batch_size):
        starts = windows.starts[part.numpy()]
        before = torch.from_numpy(np.array(windows.dataset.frames[starts - 1])).flatten(0, 1)
        batch = windows.batch(part)
        yield replace(batch, velocities=batch.positions - before)


def _mse(guess: Tensor, batch: Batch) -> float:
    return float((guess - batch.known_targets()).double().square().mean())


def _step_s(offsets: NDArray[np.int64], frame_time_s: float) -> float:
    """Seconds between the last two steps, which are as far apart as any."""
    previous = int(offsets[-2]) if len(offsets) > 1 else 0
    return (int(offsets[-1]) - previous) * frame_time_s


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _yaml(content: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return text


def _line(name: str, content: dict[str, Any]) -> str:
    rivals = {key: content[f"{key}_mse"] for key in GUESSES if f"{key}_mse" in content}
    worse = [key for key, value in rivals.items() if value <= content["mse"]]
    said = ", ".join(f"{key} {value:g}" for key, value in rivals.items())
    verdict = f"NOT better than {', '.join(worse)}" if worse else "better than all of these"
    return f"{name}: mse {content['mse']:g} {content['unit']}, {said}: {verdict}"


if __name__ == "__main__":
    main()
