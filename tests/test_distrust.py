"""What the package's own code never does, read off its syntax."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import painet_cli

ROOT = Path(painet_cli.__file__).parent
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
NEVER = {
    *("eval", "exec", "compile", "os.system", "os.popen", "subprocess.getoutput", "pty.spawn"),
    *("torch.jit.load", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all"),
    *("np.loads", "np.fromregex", "zipfile.ZipFile.extract", "shutil.unpack_archive"),
    *("pd.read_pickle", "webbrowser.open", "tempfile.mktemp"),
}
METHODS_NEVER = {"extract", "extractall", "read_pickle", "render_markup"}
"""Of archives, which write where a member's name says."""


def name_of(node: ast.expr) -> str:
    """Dotted name of what is called; empty for what has none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value) or '?'}.{node.attr}"
    return ""


def keywords(call: ast.Call) -> dict[str, object]:
    return {
        word.arg: word.value.value if isinstance(word.value, ast.Constant) else word.value
        for word in call.keywords
        if word.arg
    }


def faults(source: str) -> Iterator[str]:
    """Everything in a source that would trust a file with more than its numbers."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
            )
            yield from (f"imports {m}" for m in modules if (m or "").partition(".")[0] in PICKLES)
        if not isinstance(node, ast.Call):
            continue
        name, given = name_of(node.func), keywords(node)
        last = name.rpartition(".")[2]
        if name in NEVER or (last in METHODS_NEVER and "." in name):
            yield f"calls {name}"
        if given.get("shell", False) is not False:
            yield f"calls {name} in a shell"
        if last == "load" and name.startswith("torch.") and given.get("weights_only") is not True:
            yield "torch.load without weights_only=True"
        if name in ("np.load", "numpy.load") and given.get("allow_pickle") is not False:
            yield "np.load without allow_pickle=False"
        if given.get("allow_pickle", False) is not False:
            yield f"calls {name} with allow_pickle"
        if given.get("verify", True) is not True:
            yield f"calls {name} without checking certificates"


@pytest.mark.parametrize("path", SOURCES)
def test_no_source_trusts_a_file(path: str) -> None:
    assert list(faults((ROOT / path).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "os.system('ls')",
        "subprocess.run('ls', shell=True)",
        "subprocess.run(words, shell=wanted)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text, Loader=Loader)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.lib.format.read_array(file, allow_pickle=True)",
        "archive.extractall(folder)",
        "requests.get(url, verify=False)",
    ],
)
def test_a_source_that_does_is_found(code: str) -> None:
    assert list(faults(code))


def test_a_source_that_does_not_is_left_alone() -> None:
    code = "torch.load(p, weights_only=True); np.load(p, allow_pickle=False); yaml.safe_load(text)"
    assert list(faults(f"{code}; subprocess.run(words); model.eval(); re.compile(text)")) == []
