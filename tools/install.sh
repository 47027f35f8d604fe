#!/usr/bin/env bash
# Makes a virtual environment with everything this project needs: `bash tools/install.sh`.
#
#   MIKD_VENV   where (default: .venv in the repository root)
#   PYTHON      made from which Python, 3.10 to 3.12 (default: python3.11, else python3)
#   MIKD_PIP    pip, or uv, which is faster and is taken by default where it is on the PATH
#
# Running it again is cheap and safe: a finished environment is left alone, an interrupted one is
# finished, one whose Python does not start is made anew. An environment that this script did not
# make is never touched; to add the plugin to your own MMagic environment, this is enough:
#   pip install --no-deps -e .
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

[ "${MIKD_VENV:-}" != none ] ||
    die 'MIKD_VENV is none, so there is nothing to install into. Use: pip install --no-deps -e .'
VENV="$(environment_dir)"
BEGUN="$VENV/.mikd-begun" # this script made the environment
DONE="$VENV/.mikd-done"   # and finished it; holds the fingerprint of what it installed
LOG="$VENV/install.log"
STEP=0

choose_python() {
    local python="${PYTHON:-}" found='not there'
    [ -n "$python" ] || { python3.11 -c '' 2>/dev/null && python=python3.11; } || python=python3
    ! command -v "$python" >/dev/null || found="$("$python" --version 2>&1)"
    "$python" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null ||
        die "Python 3.10 to 3.12 is needed, but $python is $found. Name one: PYTHON=/path/to/python3.11 bash tools/install.sh"
    echo "$python"
}

fingerprint() {
    cat "$REPO"/requirements/*.txt "$REPO/pyproject.toml" <(echo "$REPO") | cksum
}

works() { "$VENV/bin/python" -m pip --version >/dev/null 2>&1; }

refuse_foreign() {
    [ -e "$VENV" ] && [ ! -e "$BEGUN" ] && [ -n "$(ls -A "$VENV")" ] || return 0
    has_mmagic "$VENV/bin/python" ||
        die "$VENV was not made by this script and has no MMagic, so it is left alone. Name another place: MIKD_VENV=DIR bash tools/install.sh"
    echo "$VENV was not made by this script; it has MMagic and is used as it is."
    exit 0
}

# step NAME COMMAND...: everything goes to the log; what pip fetches is shown, it takes longest.
step() {
    local name="$1" begin=$SECONDS
    shift
    STEP=$((STEP + 1))
    echo "[$STEP/5] $name"
    if ! "$@" 2>&1 | tee -a "$LOG" | { grep --line-buffered -E 'Downloading .* MB' || true; }; then
        tail -n 15 "$LOG" >&2
        die "Step $STEP failed; its whole output is in $LOG. Run the same command again: what is there is kept."
    fi
    echo "      $((SECONDS - begin)) s"
}

# make_environment PYTHON: anew with this Python; nothing to do where none is given.
make_environment() {
    [ -n "$1" ] || return 0
    find "$VENV" -mindepth 1 -maxdepth 1 ! -path "$BEGUN" ! -path "$LOG" -exec rm -rf {} +
    "$1" -m venv "$VENV"
}

# pip writes RECORD last: a package without one was interrupted and is to be installed again.
forget_half_installed() {
    find "$VENV" -name '*.dist-info' -type d ! -exec test -e '{}/RECORD' \; -prune -exec rm -rf {} +
}

uses_uv() {
    case "${MIKD_PIP:-}" in
        pip) return 1 ;;
        uv) command -v uv >/dev/null || die 'MIKD_PIP is uv, but no uv is on the PATH.' ;;
        '') command -v uv >/dev/null ;;
        *) die "MIKD_PIP must be pip or uv, not '$MIKD_PIP'." ;;
    esac
}

# --no-compile: compiling all of torch takes longer than unpacking it, and the last step compiles
# the modules that are really imported. uv does not compile anyway.
pip_install() {
    if uses_uv; then
        uv pip install --python "$VENV/bin/python" "$@"
    else
        "$VENV/bin/python" -m pip install --no-compile --disable-pip-version-check "$@"
    fi
}

# Compiled modules are kept even where the user's shell forbids it: without, every start takes seconds longer.
check() {
    cd / && env -u PYTHONDONTWRITEBYTECODE "$VENV/bin/python" -c '
import hypothesis, mmagic_mikd, mmpretrain, pandas, pytest, skimage, torchvision
import torch._dynamo, torch.distributed.run, torch.utils.tensorboard
from mmagic.utils import register_all_modules
register_all_modules()'
}

uses_uv || true # refuses what is neither
refuse_foreign
if [ "$(cat "$DONE" 2>/dev/null)" = "$(fingerprint)" ] && works; then
    echo "$VENV is ready."
    exit 0
fi
python='' # stays empty where the environment has one that works
works || python="$(choose_python)"
mkdir -p "$VENV"
touch "$BEGUN"
rm -f "$DONE"
forget_half_installed
requirements="$REPO/requirements"
step "virtual environment in $VENV" make_environment "$python"
step 'torch and the other packages' pip_install -r "$requirements/runtime.txt" \
    -r "$requirements/headless.txt" -r "$requirements/tests.txt"
step 'the host toolbox' pip_install --no-deps -r "$requirements/openmmlab.txt" -r "$requirements/host.txt"
step 'this project' pip_install --no-deps -e "$REPO"
step 'first import' check
fingerprint >"$DONE"
echo "Done in $SECONDS s. To use it in this shell: source $VENV/bin/activate"
