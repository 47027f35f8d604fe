#!/usr/bin/env bash
# Runs the whole test suite, after installing what is missing: `bash tools/run_tests.sh`.
# Arguments go to pytest, for example: bash tools/run_tests.sh -n 0 -m 'not slow' tests/apps
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
find_python install
cd "$REPO"
# One process for each core: the networks of the tests are so small that threads only get into each
# other's way. By files, because what several tests of a file share is made once for each process, and
# in the order of tests/conftest.py.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec "$PYTHON_BIN" -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder "$@"
