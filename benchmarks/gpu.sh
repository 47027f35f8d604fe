#!/usr/bin/env bash
# Everything on a GPU that was only proved on a CPU, within minutes: docs/gpu.md.
#
#   bash benchmarks/gpu.sh [--minutes 8] [--out DIR]     on a machine with a GPU; it needs no network
#   bash benchmarks/gpu.sh --dry-run                     every phase with tiny sizes, without a GPU
#   bash benchmarks/gpu.sh --pack [DIR]                  where there is a network: the wheels it may need
#
#   PYTHON       which Python, with torch in it (default: that of tools/environment.sh, else python3)
#   MIKD_WHEELS  the folder of wheels (default: build/wheels in the repository root)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../tools/environment.sh"
WHEELS="${MIKD_WHEELS:-$REPO/build/wheels}"

choose_python() {
    [ -z "${PYTHON:-}" ] || { PYTHON_BIN="$PYTHON" && return; }
    uses_path_python || [ -x "$(environment_dir)/bin/python" ] || { PYTHON_BIN=python3 && return; }
    find_python
}

# What machines for deep learning tend to lack, and a setuptools that still has pkg_resources. Torch, NumPy, SciPy, OpenCV and the like are theirs.
pack() {
    mkdir -p "$WHEELS"
    "$PYTHON_BIN" -m pip download --quiet --no-deps --only-binary=:all: --dest "$WHEELS" \
        -c "$REPO/requirements/runtime.txt" -r "$REPO/requirements/host.txt" addict yapf platformdirs termcolor modelindex importlib-metadata zipp \
        ordered-set pytorch-msssim 'setuptools<81'
    du -sh "$WHEELS"
}

# Into a folder of its own, so that nothing of the machine changes.
unpack() {
    compgen -G "$WHEELS/*.whl" >/dev/null ||
        die "$PYTHON_BIN has no MMagic and $WHEELS no wheels: make them with bash benchmarks/gpu.sh --pack"
    SITE="$(mktemp -d)"
    trap 'rm -rf "$SITE"' EXIT
    "$PYTHON_BIN" -m pip install --quiet --no-index --no-deps --no-compile --target "$SITE" "$WHEELS"/*.whl
}

choose_python
if [ "${1:-}" = --pack ]; then
    WHEELS="${2:-$WHEELS}"
    pack
    exit
fi
SITE=
has_mmagic "$PYTHON_BIN" || unpack
export PYTHONPATH="$REPO:$REPO/tests/support${SITE:+:$SITE}${PYTHONPATH:+:$PYTHONPATH}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
"$PYTHON_BIN" -m benchmarks.gpu "$@"
