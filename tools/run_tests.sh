#!/usr/bin/env bash
# Runs the whole test suite, after installing what is missing: `bash tools/run_tests.sh`.
# Arguments go to pytest, for example: bash tools/run_tests.sh -m 'not slow' tests/test_tools
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
find_python install
cd "$REPO"
# The networks of the tests are so small that more threads only get into each other's way.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
exec "$PYTHON_BIN" -m pytest "$@"
