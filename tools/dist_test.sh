#!/usr/bin/env bash
# Evaluates on several GPUs, or with several CPU processes: tools/dist_test.sh CONFIG CHECKPOINT GPUS [ARGS...]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT, as in MMagic.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ $# -ge 3 ] || die 'Usage: tools/dist_test.sh CONFIG CHECKPOINT GPUS [arguments of tools/test.py]'
run_distributed test.py "$3" "$1" "$2" "${@:4}"
