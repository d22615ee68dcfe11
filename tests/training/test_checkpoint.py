"""Checkpoints: what comes back, and what is refused."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from painet_cli.errors import RequestError
from painet_cli.training.checkpoint import (
    SCHEMA_VERSION,
    load_checkpoint,
    save_checkpoint,
    tensors_digest,
    under,
)
from trainings import tensors


def header_of(path: Path) -> dict[str, object]:
    with safe_open(path, framework="pt") as file:
        loaded: dict[str, object] = json.loads(file.metadata()["painet"])
    return loaded


def rewritten(path: Path, header: object) -> Path:
    text = header if isinstance(header, str) else json.dumps(header)
    save_file({"model/x": torch.zeros(1)}, path, metadata={"painet": text})
    return path


def test_a_checkpoint_comes_back_as_it_was(finished_run: Path, tmp_path: Path) -> None:
    state, header = load_checkpoint(finished_run / "last.safetensors")
    save_checkpoint(tmp_path / "copy.safetensors", state, header)
    again, same = load_checkpoint(tmp_path / "copy.safetensors")
    assert same == header
    assert all(torch.equal(state[name], again[name]) for name in state)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]


def test_the_header_says_what_the_weights_are_of(finished_run: Path) -> None:
    _, header = load_checkpoint(finished_run / "best.safetensors")
    assert header.preset_name == "small"
    assert header.type_names == ("H", "C", "O")
    assert header.units.length == "angstrom"
    assert header.progress.best_mse is not None


def test_names_are_grouped_by_prefix(finished_run: Path) -> None:
    state = tensors(finished_run / "last.safetensors")
    groups = {name.partition("/")[0] for name in state}
    assert groups == {"model", "average", "optimizer", "rng"}
    assert set(under("rng", state)) == {"cpu"}


def test_a_newer_schema_says_upgrade(finished_run: Path, tmp_path: Path) -> None:
    newer = header_of(finished_run / "best.safetensors") | {"schema_version": SCHEMA_VERSION + 1}
    with pytest.raises(RequestError, match="newer than this painet reads") as caught:
        load_checkpoint(rewritten(tmp_path / "newer.safetensors", newer))
    assert caught.value.hint == "upgrade painet"


@pytest.mark.parametrize(
    "header", ["", "{", "[]", "3", "{}", '{"schema_version": "x"}', "[" * 9999]
)
def test_a_header_that_makes_no_sense_is_refused(header: str, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="its header cannot be read"):
        load_checkpoint(rewritten(tmp_path / "bad.safetensors", header))


def test_a_header_with_a_wrong_field_is_refused(finished_run: Path, tmp_path: Path) -> None:
    wrong = header_of(finished_run / "best.safetensors") | {"dataset": 3}
    with pytest.raises(RequestError, match="its header cannot be read"):
        load_checkpoint(rewritten(tmp_path / "bad.safetensors", wrong))


def test_someone_elses_safetensors_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(RequestError, match="not painet's"):
        load_checkpoint(tmp_path / "other.safetensors")


class Bomb:
    """Object that, unpickled, would leave a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, tuple[Path, ...]]:
        return Path.touch, (self.trace,)


@pytest.mark.parametrize("kind", ["pickle", "torch", "text", "empty", "truncated", "huge"])
def test_what_is_no_safetensors_file_is_refused_and_never_unpickled(
    kind: str, finished_run: Path, tmp_path: Path
) -> None:
    path, trace = tmp_path / "bad.safetensors", tmp_path / "trace"
    match kind:
        case "pickle":
            path.write_bytes(pickle.dumps(Bomb(trace)))
        case "torch":
            torch.save({"x": Bomb(trace)}, path)
        case "text":
            path.write_text("weights")
        case "empty":
            path.touch()
        case "truncated":
            path.write_bytes((finished_run / "best.safetensors").read_bytes()[:-10])
        case "huge":
            path.write_bytes((2**60).to_bytes(8, "little") + b"{}")
    with pytest.raises(RequestError, match="not a checkpoint"):
        load_checkpoint(path)
    assert not trace.exists()


def test_a_missing_checkpoint_is_said(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no checkpoint here"):
        load_checkpoint(tmp_path / "none.safetensors")


def test_a_folder_that_is_gone_is_said(finished_run: Path, tmp_path: Path) -> None:
    state, header = load_checkpoint(finished_run / "best.safetensors")
    with pytest.raises(RequestError, match="cannot be written"):
        save_checkpoint(tmp_path / "gone" / "x.safetensors", state, header)


def test_a_digest_does_not_depend_on_how_a_tensor_lies_in_memory() -> None:
    single, many = torch.tensor([5]), torch.arange(6.0).view(2, 3)
    plain = tensors_digest({"single": single, "many": many})
    odd = {"single": single.as_strided((1,), (0,)), "many": many.t().contiguous().t()}
    assert tensors_digest(odd) == plain
