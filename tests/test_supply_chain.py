"""What is installed beside painet: all of it pinned, all of it named."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    named = (line.partition("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): pinned for name, _, pinned in named}


def group(name: str, groups: dict[str, Any]) -> list[str]:
    """Requirements of a dependency group and of those it includes."""
    return [
        line
        for entry in groups[name]
        for line in ([entry] if isinstance(entry, str) else group(entry["include-group"], groups))
    ]


OF_A_GPU = ("cuda-", "nvidia-", "triton")
"""What a build of torch for GPUs brings, each in the version that it was built with."""


def needed() -> dict[str, str]:
    """Version of every package that painet, its extra and its developers pull in, on a CPU."""
    content = project()
    pending = [
        *content["project"]["dependencies"],
        *content["project"]["optional-dependencies"]["baselines"],
        *group("dev", content["dependency-groups"]),
    ]
    found: dict[str, str] = {}
    while pending:
        requirement = Requirement(pending.pop())
        name = canonicalize_name(requirement.name)
        if name.startswith(OF_A_GPU):
            continue
        extras = requirement.extras or {""}
        applies = any(
            requirement.marker is None or requirement.marker.evaluate({"extra": extra})
            for extra in extras
        )
        if name in found or not applies:
            continue
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # of another platform or Python
            continue
        # what an extra of a package needs is asked for with that extra
        pending += [
            line
            for line in requires(name) or []
            if (marker := Requirement(line).marker) is None
            or any(marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return found


def test_every_package_is_pinned_to_the_version_that_is_tested() -> None:
    pinned = pins()
    loose = {name: found for name, found in needed().items() if name not in pinned}
    assert loose == {}
    # a build for one kind of machine, such as 2.13.0+cpu, is of the version that is pinned
    other = {
        name: (found, pinned[name])
        for name, found in needed().items()
        if found.partition("+")[0] != pinned[name]
    }
    assert other == {}


def test_pins_are_exact_and_sorted() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()[1:]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
    assert [line.lower() for line in lines] == sorted(line.lower() for line in lines)


@pytest.mark.parametrize("tool", ["pip-licenses", "pip-audit", "atheris"])
def test_the_tools_of_the_checks_are_pinned_too(tool: str) -> None:
    assert canonicalize_name(tool) in pins()


def test_the_licences_that_are_allowed_are_listed() -> None:
    allowed = project()["tool"]["pip-licenses"]["allow-only"].split(";")
    assert {"MIT", "BSD-3-Clause", "Apache-2.0"} <= {one.strip() for one in allowed}
    assert not any(one.strip().startswith(("GPL", "AGPL", "GNU General")) for one in allowed)
