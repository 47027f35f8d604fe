#!/usr/bin/env bash
# From nothing to a Real-ESRGAN made 28 times faster, a picture, a table and an ONNX file: `bash tools/showcase.sh`.
# Installs what is missing; `bash tools/showcase.sh --help` lists the options.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
find_python install
exec "$PYTHON_BIN" -m mmagic_mikd showcase "$@"
