#!/usr/bin/env bash
# Installs painet as a stranger would: the wheel by pipx with all it needs in an environment of its
# own, the sdist by pip, the example package beside painet. Run by CI; takes the time that pip takes
# to fetch and unpack torch. FOLDER, by default a temporary one, is kept where it is given.
#
#     scripts/check_install.sh [FOLDER]
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
if [ $# -gt 0 ]; then
    work=$(mkdir -p "$1" && cd "$1" && pwd)
else
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
fi
export PIPX_HOME="$work/pipx" PIPX_BIN_DIR="$work/bin" PIPX_MAN_DIR="$work/man" PYTHONPATH=
python=${PYTHON:-python3}

python -m build --no-isolation --outdir "$work/dist" "$repository" >/dev/null
"$python" -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet pipx cffconvert
"$work/tools/bin/cffconvert" --validate --infile "$repository/CITATION.cff"

echo "== the wheel, by pipx"
"$work/tools/bin/pipx" install --python "$("$python" -c 'import sys; print(sys.executable)')" \
    --pip-args="--constraint $repository/constraints.txt" "$work"/dist/painet-*.whl
mkdir -p "$work/elsewhere" && cd "$work/elsewhere"
painet="$work/bin/painet"
"$painet" --version
"$painet" prepare sample --force
"$painet" data export sample -o ethanol.xtc --stop 100 --force
"$painet" predict ethanol.xtc --topology ethanol.pdb -T 5 -o predicted --force
test -s predicted/report.html

echo "== the example package, beside it"
"$work/tools/bin/pipx" inject painet "$repository/examples/painet-plugin-example"
"$painet" train --preset demo --model pair-force --epochs 1 --quiet

echo "== the sdist, by pip"
"$python" -m venv "$work/sdist"
# of what it needs only what its names are found by: the wheel has shown the rest
"$work/sdist/bin/pip" install --quiet --constraint "$repository/constraints.txt" lazy_loader
"$work/sdist/bin/pip" install --quiet --no-deps "$work"/dist/painet-*.tar.gz
"$work/sdist/bin/python" -c 'import painet, importlib.metadata as m; print(m.version("painet"), len(painet.__all__), "public names")'
