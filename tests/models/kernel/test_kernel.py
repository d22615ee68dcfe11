"""The kernel: ridge regression worked out by hand, and what the model promises."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from painet_cli.config.models import KernelConfig
from painet_cli.data.batches.batch import Batch
from painet_cli.data.batches.symmetries import Symmetries, mirror_partners
from painet_cli.errors import RequestError
from painet_cli.models.base import SystemSpec
from painet_cli.models.kernel.bones import paths, with_bones_of
from painet_cli.models.kernel.fit import fit_kernel
from painet_cli.models.kernel.model import Kernel
from painet_cli.models.kernel.parts import Division, Skeleton, divide, mirror_of, parents
from painet_cli.models.kernel.ridge import (
    CONSTANT,
    Weights,
    kernel,
    own_kernel,
    solve,
    variances,
)
from painet_cli.testing.motions import deviation, orthogonal, turn_about
from systems import BRANCHED, PAIR, RING, SPEC, Molecule, equal_systems, normal, side_by_side

NOTHING = torch.zeros(3, dtype=torch.float64)
IN_SPACE = replace(SPEC, up_axis=None)
GROUP = torch.tensor([0, 0, 1])
WEIGHTS = Weights(torch.tensor([0.3, -0.5]).double(), torch.tensor([-1.0, -2.0]).double())


def learnable(count: int, seed: int, horizon: int = 2, history: int = 0) -> Batch:
    """Windows whose targets follow from their starts, whichever way they are turned."""
    batch = equal_systems(BRANCHED, count, horizon=horizon, seed=seed)
    x = equal_systems(BRANCHED, 1, seed=99).positions.repeat(count, 1) + 0.3 * batch.positions
    steps = torch.arange(1, horizon + 1)[:, None, None]
    past = normal(history, len(x), 3, seed=seed + 7) if history else None
    moved = steps * batch.velocities if past is None else steps * batch.velocities - past[0]
    return replace(batch, positions=x, targets=x + moved, past=past)


def fitted(count: int = 60, spec: SystemSpec = SPEC, **options: object) -> Kernel:
    config = KernelConfig.model_validate(options)
    return fit_kernel([learnable(count, 1)], [learnable(30, 2)], spec, config)


def test_the_kernel_is_a_gaussian_a_linear_kernel_and_a_constant() -> None:
    left, right = normal(4, 3, seed=1), normal(5, 3, seed=2)
    a, b = WEIGHTS.log_a.exp()[GROUP], WEIGHTS.log_b.exp()[GROUP]
    for i, j in ((0, 0), (3, 4)):
        z, other = left[i], right[j]
        expected = (-(a * (z - other) ** 2).sum()).exp() + (b * z * other).sum() + CONSTANT
        torch.testing.assert_close(kernel(left, right, GROUP, WEIGHTS, "sum")[i, j], expected)
    own = kernel(left, left, GROUP, WEIGHTS, "sum").diagonal()
    torch.testing.assert_close(own_kernel(left, GROUP, WEIGHTS), own)


def test_all_windows_kept_it_is_kernel_ridge_regression() -> None:
    z, y, other = normal(12, 3, seed=1), normal(12, 2, seed=2), normal(5, 3, seed=3)
    among, crossed = (kernel(rows, z, GROUP, WEIGHTS, "sum") for rows in (z, other))
    solution = solve(among, None, y)
    for ridge in (1e-3, 1.0):
        regular = among + ridge * torch.eye(12).double()
        expected = crossed @ torch.linalg.solve(regular, y)
        torch.testing.assert_close(crossed @ solution.dual(ridge), expected)
        own = own_kernel(other, GROUP, WEIGHTS)
        quadratic = (crossed * torch.linalg.solve(regular, crossed.t()).t()).sum(dim=1)
        variance = variances(crossed, own, solution.projection, solution.strength, ridge)
        torch.testing.assert_close(variance, own - quadratic + ridge)


def test_all_windows_kept_nystroem_is_the_same() -> None:
    z, y, other = normal(12, 3, seed=1), normal(12, 2, seed=2), normal(5, 3, seed=3)
    among, crossed = (kernel(rows, z, GROUP, WEIGHTS, "sum") for rows in (z, other))
    pieces = [(among[:5], y[:5]), (among[5:], y[5:])]
    made, exact = solve(among, pieces, y), solve(among, None, y)
    torch.testing.assert_close(crossed @ made.dual(0.1), crossed @ exact.dual(0.1))


@pytest.mark.parametrize("spec", [SPEC, IN_SPACE])
@pytest.mark.parametrize("form", ["linear", "rbf", "sum"])
def test_it_learns_what_follows_from_the_start(form: str, spec: SystemSpec) -> None:
    test = learnable(20, 3)
    model = fitted(120, spec, form=form)
    targets = test.known_targets()
    error = (model(test) - targets).square().mean()
    assert error < 0.2 * (targets - test.positions).square().mean()


def test_standard_deviations_are_right_and_grow_away_from_what_was_seen() -> None:
    model, test = fitted(form="rbf"), learnable(40, 3)
    z = (model(test) - test.known_targets()) / model.deviations(test)[..., None]
    assert 0.5 < float(z.square().mean().sqrt()) < 1.5
    far = test.at(test.positions, 30 * test.velocities)
    assert (model.deviations(far) > model.deviations(test)).all()


def test_fewer_kept_windows_are_still_taught_by_all() -> None:
    test = learnable(40, 3)
    errors = [
        float((model(test) - test.known_targets()).square().mean())
        for model in (fitted(200, largest=30), fitted(30), fitted(200))
    ]
    assert errors[2] <= errors[0] < errors[1]


@pytest.mark.parametrize(
    ("spec", "turn"), [(SPEC, turn_about(1, 2.0)), (IN_SPACE, orthogonal(3, 1))]
)
def test_turns_and_shifts_are_those_of_the_prediction(spec: SystemSpec, turn: Tensor) -> None:
    shift = torch.tensor([4.0, 0.0, -3.0], dtype=torch.float64)
    actual, expected = deviation(fitted(spec=spec), learnable(3, 5), turn, shift)
    torch.testing.assert_close(actual, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("spec", [SPEC, IN_SPACE], ids=["ground", "space"])
def test_far_from_all_it_has_seen_it_falls_back_to_the_start_or_to_the_mean(
    spec: SystemSpec,
) -> None:
    near = learnable(4, 3)
    far = replace(near, velocities=1e4 * near.velocities)
    for about in ("start", "mean"):
        model = fitted(spec=spec, form="rbf", about=about)
        frames, predicted = model.frame(far), model(far)
        moved = [frames.components(x - far.positions) for x in predicted]
        places = [frames.positions(x) for x in predicted]
        for found, is_one in ((moved, about == "start"), (places, about == "mean")):
            of_each = torch.stack(found).view(2, 4, -1, 3)
            same = torch.allclose(of_each, of_each[:, :1].expand_as(of_each), rtol=1e-3, atol=1e-3)
            assert same is is_one


def test_what_it_falls_back_to_is_chosen_on_the_validation_windows() -> None:
    train, val = learnable(60, 1), learnable(30, 2)
    forgotten = [
        replace(one, targets=learnable(one.graph.num_systems, seed).positions.expand(2, -1, -1))
        for seed, one in enumerate((train, val), start=5)
    ]
    wandering = [
        replace(one, targets=one.positions + 0.1 * normal(2, *one.positions.shape, seed=seed))
        for seed, one in enumerate((train, val), start=5)
    ]
    for windows, places in ((forgotten, True), (wandering, False)):
        learned, chosen_on = ([one] for one in windows)
        models = {
            about: fit_kernel(learned, chosen_on, IN_SPACE, KernelConfig(form="rbf", about=about))
            for about in ("auto", "start", "mean")
        }
        assert (models["auto"].of_places is not None) is places
        alike = models["mean" if places else "start"]
        torch.testing.assert_close(models["auto"](val), alike(val), rtol=0, atol=0)
        again = models["auto"].refitted(learned)
        torch.testing.assert_close(again(val), alike(val))


def test_each_step_falls_back_to_what_is_better_for_it() -> None:
    windows = []
    for count, seed in ((15, 1), (30, 2)):
        one, other = learnable(count, seed), learnable(count, seed + 9)
        soon = one.positions + 0.3 * normal(*one.positions.shape, seed=seed)
        windows.append([replace(one, targets=torch.stack([soon, other.positions]))])
    errors = {}
    for about in ("auto", "start", "mean"):
        model = fit_kernel(*windows, IN_SPACE, KernelConfig(form="rbf", about=about))
        (val,) = windows[1]
        errors[about] = (model(val) - val.known_targets()).square().mean(dim=(1, 2))
        if about == "auto":
            assert model.of_places is not None
            assert model.of_places.tolist() == [False, True]
    assert errors["auto"][0] < 0.5 * errors["mean"][0]
    assert errors["auto"][1] < 0.9 * errors["start"][1]


@pytest.mark.parametrize("about", ["start", "mean"])
def test_what_it_predicts_is_saved_and_only_places_are_marked(about: str) -> None:
    model = fitted(about=about)
    state = model.state_dict()
    assert ("of_places" in state) is (about == "mean"), "as checkpoints were before"
    other = Kernel(model.config, SPEC, 2)
    other.load_state_dict(state)
    assert other.state_dict().keys() == state.keys()
    torch.testing.assert_close(other(learnable(4, 3)), model(learnable(4, 3)), rtol=0, atol=0)


def test_the_past_is_learned_from_where_it_is_told() -> None:
    spec = replace(SPEC, history=2)
    train, val, test = (learnable(count, k, history=2) for k, count in ((1, 150), (2, 30), (3, 30)))
    model = fit_kernel([train], [val], spec, KernelConfig(form="linear"))
    blind = fit_kernel([train], [val], SPEC, KernelConfig(form="linear"))
    error, without = ((m(test) - test.targets).square().mean() for m in (model, blind))
    assert error < 0.2 * without
    with pytest.raises(RequestError, match="holds 0 frames before its start"):
        model(replace(test, past=None))


NAMES = ("root", "neck", "lshoulder", "lelbow", "lhand", "rshoulder", "relbow", "rhand")
BONES = ((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7))
PUPPET = Molecule((0, 0, 1, 2, 2, 1, 2, 2), BONES)


def puppet() -> Skeleton:
    one_way = np.array(BONES).T
    both_ways = np.concatenate([one_way, one_way[::-1]], axis=1)
    return Skeleton(NAMES, np.array(PUPPET.types), both_ways)


@pytest.mark.parametrize(
    ("division", "parts", "mirror"),
    [
        ("whole", [0, 0, 0, 0, 0, 0, 0, 0], [0]),
        ("limbs", [0, 0, 0, 1, 1, 0, 2, 2], [0, 2, 1]),
        ("segments", [0, 1, 1, 2, 3, 1, 4, 5], [0, 1, 4, 5, 2, 3]),
        ("types", [0, 0, 1, 2, 2, 1, 2, 2], [0, 1, 2]),
    ],
)
def test_a_body_is_divided_by_its_names_and_bones(
    division: Division, parts: list[int], mirror: list[int]
) -> None:
    found = divide(puppet(), division)
    assert found.tolist() == parts
    assert mirror_of(found, puppet()).tolist() == mirror


def test_a_bone_begins_at_the_joint_nearer_to_the_first() -> None:
    parent, depth = parents(puppet())
    assert parent.tolist() == [0, 0, 1, 2, 3, 1, 5, 6]
    assert depth.tolist() == [0, 1, 2, 3, 4, 2, 3, 4]


def test_bones_get_the_lengths_of_the_start_and_keep_their_directions() -> None:
    parent, depth = parents(puppet())
    start, predicted = normal(2, 8, 3, seed=1), normal(2, 3, 8, 3, seed=2)
    made = with_bones_of(start, predicted, torch.from_numpy(parent), paths(parent, depth))
    torch.testing.assert_close(made[:, :, 0], predicted[:, :, 0])
    for one, other in BONES:
        bone, wanted = made[:, :, other] - made[:, :, one], start[:, other] - start[:, one]
        length = wanted.norm(dim=-1)[:, None].expand(2, 3)
        torch.testing.assert_close(bone.norm(dim=-1), length)
        before = predicted[:, :, other] - predicted[:, :, one]
        turned = torch.linalg.cross(bone, before).norm(dim=-1)
        assert turned.max() < 1e-10


@pytest.mark.parametrize(
    ("names", "partners"),
    [
        (("root", "lfoot", "rfoot", "lowerback"), [0, 2, 1, 3]),
        (("LeftArm", "Hips", "RightArm"), [2, 1, 0]),
        (("hand_l", "hand_r", "tail_l"), [1, 0, 2]),
    ],
)
def test_left_and_right_are_told_by_names(names: tuple[str, ...], partners: list[int]) -> None:
    found = mirror_partners(names)
    assert found is not None
    assert found.tolist() == partners


@pytest.mark.parametrize("groups", ["limbs", "segments"])
def test_limbs_see_left_and_right_alike(groups: str) -> None:
    spec = replace(SPEC, names=NAMES)
    signs = torch.tensor([[1.0, 1, 1], [-1, 1, 1]], dtype=torch.float64)
    partners = torch.tensor([[0, 1, 2, 3, 4, 5, 6, 7], [0, 1, 5, 6, 7, 2, 3, 4]])
    both = Symmetries(partners, signs)
    one, other, test = (equal_systems(PUPPET, n, seed=n) for n in (40, 20, 3))
    train, val = list(both.all_of(one)), [other]
    members = [{"groups": groups, "bones": True}, {"groups": groups}]
    options = {"form": "rq", "parts": "limbs", "descend": 5, "keep_bones": 0.5}
    config = KernelConfig.model_validate({**options, "members": members})
    model = fit_kernel(train, val, spec, config)
    assert int(model.part.max()) == 2
    (_, mirrored), here = both.all_of(test), model(test)
    there = both.applied(replace(test, targets=here), torch.ones(3, dtype=torch.int64))
    error = (model(mirrored) - there.known_targets()).abs().max()
    assert error < 1e-3 * here.abs().max()


def test_a_descent_weighs_the_groups_apart_and_predicts_no_worse() -> None:
    model = fitted(100, form="rbf", members=[{"groups": "types", "pull": 0}], descend=40)
    weights = next(iter(model.members)).log_a[0]  # type: ignore[union-attr, index]
    assert weights.max() - weights.min() > 1
    plain, test = fitted(100, form="rbf"), learnable(40, 3)
    better, worse = ((m(test) - test.targets).square().mean() for m in (model, plain))
    assert better < 1.05 * worse


@pytest.mark.parametrize(
    ("train", "options", "words"),
    [
        (equal_systems(BRANCHED, 4), {"parts": "limbs"}, "limbs are told by particles whose names"),
        (
            side_by_side([equal_systems(PAIR), equal_systems(RING)]),
            {},
            "training systems have different particles",
        ),
    ],
)
def test_what_it_cannot_be_fitted_to_is_refused(
    train: Batch, options: dict[str, object], words: str
) -> None:
    config = KernelConfig.model_validate(options)
    with pytest.raises(RequestError, match=words):
        fit_kernel([train], [train], SPEC, config)


def test_before_it_is_fitted_it_predicts_nothing() -> None:
    with pytest.raises(RequestError, match="it is not fitted"):
        Kernel(KernelConfig(), SPEC, 1)(equal_systems(BRANCHED))


def test_a_state_that_contradicts_itself_is_refused() -> None:
    model = fitted()
    for name, value in (
        ("members.0.mean", torch.zeros(3).double()),
        ("part", torch.full_like(model.part, 9)),
        ("spread", torch.zeros(2, 3).double()),
        ("frame.reference", torch.zeros(5, 3).double()),
    ):
        with pytest.raises(RuntimeError):
            Kernel(KernelConfig(), SPEC, 2).load_state_dict({**model.state_dict(), name: value})
