"""The ablations of the paper's section 4.5: which variants of PAINET stand beside each other.

A variant is a preset with a few settings of its model changed, and a cell of a benchmark like any
other; figures that share a variant share its cell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from painet_cli.benchmark.cells import Cell, make_cells
from painet_cli.config.dotted import comma_list
from painet_cli.config.models import MODEL_CONFIGS
from painet_cli.errors import RequestError, option


@dataclass(frozen=True)
class Variant:
    """One bar, or one point of a line.

    Attributes
    ----------
    label
        What it is called.
    settings
        Changes `dotted.key=value` to the preset; none for PAINET itself.
    """

    label: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ablation:
    """One figure: variants of PAINET on some presets.

    Attributes
    ----------
    name
        How the command line calls it.
    title
        What is varied, as a heading.
    presets
        Those of the paper's figure.
    variants
        In their order.
    counts
        What the variants count, as an axis; None where they are of different kinds.
    """

    name: str
    title: str
    presets: tuple[str, ...]
    variants: tuple[Variant, ...]
    counts: str | None = None


def _counted(key: str, numbers: Iterable[object]) -> tuple[Variant, ...]:
    return tuple(Variant(str(number), (f"{key}={number}",)) for number in numbers)


ABLATIONS: Mapping[str, Ablation] = {
    figure.name: figure
    for figure in (
        Ablation(
            "4a",
            "Figure 4a: pairwise mappings",
            ("mocap-run-s2t",),
            (
                Variant("learned, phi > psi > 0"),
                Variant("equation 9", ("model.pairwise=paper",)),
                Variant("fixed to one", ("model.pairwise=fixed",)),
                Variant("no attention", ("model.pairwise=none",)),
            ),
        ),
        Ablation(
            "4b",
            "Figure 4b: decoders",
            ("mocap-run-s2t",),
            (
                Variant("EGNN, parallel"),
                Variant("EGNN, recurrent", ("model.decoder=recurrent",)),
                Variant("MLP-add", ("model.decoder=mlp-add",)),
                Variant("MLP-concat", ("model.decoder=mlp-concat",)),
            ),
        ),
        Ablation(
            "5",
            "Figure 5: layers of the decoder",
            ("mocap-walk-s2s", "mocap-run-s2s"),
            _counted("model.layers", range(1, 11)),
            counts="decoder layers",
        ),
        Ablation(
            "6",
            "Figure 6: attention layers a time step",
            ("md17-benzene-s2t", "md17-salicylic-s2t"),
            _counted("model.attention_layers", range(1, 7)),
            counts="attention layers a time step",
        ),
        Ablation(
            "reach",
            "Whom attention reads",
            ("mocap-run-s2t",),
            (
                Variant("all pairs"),
                Variant("neighbours", ("model.reach=neighbours",)),
                Variant("no attention", ("model.pairwise=none",)),
            ),
        ),
    )
}


@dataclass(frozen=True)
class Point:
    """One variant on one preset in one figure.

    Attributes
    ----------
    cells
        Its cells, one a seed.
    plain
        Whether it is PAINET as the preset has it, which the others are compared with.
    """

    ablation: Ablation
    preset_name: str
    variant: Variant
    cells: tuple[Cell, ...]
    plain: bool


def ablation_named(name: str) -> Ablation:
    """Figure of that name; for a dotted key the one that varies it."""
    return ABLATIONS.get(name) or Ablation(name, f"{name} varied", (), (), counts=name)


def varied(text: str) -> Ablation:
    """Figure that varies a setting: `model.hidden=16,32,64`.

    Raises
    ------
    RequestError
        It is no key with several values, or the key is that of the model's name.
    """
    key, equals, values = text.partition("=")
    if key.strip() == "model.name":  # it is what all variants have in common
        raise RequestError(
            f"{option('vary', text)}: an ablation is of one model",
            "`painet bench tables --models A,B` compares several",
        )
    numbers = [value.strip() for value in values.split(",") if value.strip()]
    if not equals or len(numbers) < 2:
        raise RequestError(
            f"{option('vary', text)}: not a key with several values",
            "expected such as model.hidden=16,32,64",
        )
    return replace(ablation_named(key.strip()), variants=_counted(key.strip(), numbers))


def check_variants(ablations: Sequence[Ablation], model: str) -> list[Ablation]:
    """Figures of these whose variants a model has; all that are named have to.

    Raises
    ------
    RequestError
        A figure changes what the model has not, or there is no such model.
    """
    if model not in MODEL_CONFIGS:
        known = ", ".join(MODEL_CONFIGS.registered())
        raise RequestError(f"{option('model', model)}: no such model", f"there are {known}")
    own = {f"model.{field}" for field in MODEL_CONFIGS[model].model_fields}
    for ablation in ablations:
        for setting in (one for variant in ablation.variants for one in variant.settings):
            key = setting.partition("=")[0]
            if key.startswith("model.") and key not in own:
                raise RequestError(
                    f"{option('figures', ablation.name)}: changes {key}, and {model} has none",
                    f"{model} has {', '.join(sorted(own - {'model.name'}))}; "
                    "vary one by --vary KEY=V,V",
                )
    return list(ablations)


def choose_ablations(names: str | None) -> list[Ablation]:
    """Figures of a comma-separated list; all where there is none.

    Raises
    ------
    RequestError
        One is not known.
    """
    if names is None:
        return list(ABLATIONS.values())
    chosen = comma_list(names)
    unknown = [name for name in chosen if name not in ABLATIONS]
    if unknown:
        raise RequestError(
            f"{option('figures')}: no figure {unknown[0]}", f"choose of {', '.join(ABLATIONS)}"
        )
    return [ABLATIONS[name] for name in dict.fromkeys(chosen)]


def make_points(
    ablations: Sequence[Ablation],
    seeds: int,
    settings: Sequence[str],
    folder: Path,
    data_dir: Path,
    model: str = "painet",
) -> list[Point]:
    """Cells of every variant on every preset of every figure.

    Parameters
    ----------
    seeds
        How many, from the preset's own on.
    settings
        Changes `dotted.key=value` to every preset, before those of a variant.
    folder
        Where the cells' folders are.
    model
        Whose variants they are.

    Raises
    ------
    RequestError
        A preset is not valid, or its dataset is not prepared.
    """
    points = []
    for ablation in ablations:
        for preset in ablation.presets:
            plain = make_cells([preset], [model], 1, settings, folder, data_dir)[0]
            for variant in ablation.variants:
                changed = [*settings, *variant.settings]
                made = make_cells([preset], [model], seeds, changed, folder, data_dir)
                label = " ".join(variant.settings)
                cells = tuple(replace(cell, label=label) for cell in made)
                same = cells[0].folder == plain.folder
                points.append(Point(ablation, plain.preset_name, variant, cells, same))
    return points


def cells_of(points: Iterable[Point]) -> list[Cell]:
    """Cells of these points, each once."""
    return list({cell.folder: cell for point in points for cell in point.cells}.values())
