#!/usr/bin/env bash
# Runs the whole test suite, after installing what is missing: `bash tools/run_tests.sh`.
# Arguments go to pytest, for example: bash tools/run_tests.sh -m 'not slow' tests/test_tools
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
find_python install
cd "$REPO"
exec "$PYTHON_BIN" -m pytest "$@"
