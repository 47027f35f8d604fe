#!/usr/bin/env bash
# Trains on several GPUs, or with several CPU processes: tools/dist_train.sh CONFIG GPUS [ARGS...]
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT, as in MMagic.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
[ $# -ge 2 ] || die 'Usage: tools/dist_train.sh CONFIG GPUS [arguments of tools/train.py]'
run_distributed train.py "$2" "$1" "${@:3}"
