#!/usr/bin/env bash
# From nothing to a distilled generator, a picture and a table: `bash tools/quickstart.sh`.
# Installs what is missing; `bash tools/quickstart.sh --help` lists the options.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
find_python install
exec "$PYTHON_BIN" "$REPO/tools/quickstart.py" "$@"
