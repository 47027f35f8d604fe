# shellcheck shell=bash
# Sourced by the scripts beside it. Which Python they run with:
#   MIKD_VENV=DIR    the environment in DIR
#   MIKD_VENV=none   the `python` on the PATH, whatever it holds
#   unset            the `python` on the PATH if it has MMagic, else .venv in the repository root

REPO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

die() {
    echo "Error: $1" >&2
    exit 2
}

environment_dir() {
    case "${MIKD_VENV:-}" in
        '') echo "$REPO/.venv" ;;
        /*) echo "$MIKD_VENV" ;;
        *) echo "$PWD/$MIKD_VENV" ;;
    esac
}

has_mmagic() {
    (cd / && "$1" -c 'import sys, importlib.util as u; sys.exit(u.find_spec("mmagic") is None)') \
        >/dev/null 2>&1
}

uses_path_python() {
    [ "${MIKD_VENV:-}" = none ] || { [ -z "${MIKD_VENV:-}" ] && has_mmagic python; }
}

# Sets PYTHON_BIN; `find_python install` first makes the environment where it is missing.
find_python() {
    if uses_path_python; then
        PYTHON_BIN="$(command -v python)" || die 'MIKD_VENV is none, but no python is on the PATH.'
    else
        PYTHON_BIN="$(environment_dir)/bin/python"
        [ "${1:-}" != install ] || bash "$REPO/tools/install.sh" || exit $?
        [ -x "$PYTHON_BIN" ] || die "There is no $PYTHON_BIN yet. Make it with: bash tools/install.sh"
    fi
    export PYTHONPATH="$REPO${PYTHONPATH:+:$PYTHONPATH}"
    # Threads that wait by spinning slow each other down ten times and more as soon as anything else runs.
    export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-PASSIVE}"
}

# A file, or mmagic::FILE for one that the toolbox ships. Said once, before many processes say it.
require_config() {
    [ -f "$1" ] || [[ "$1" == *::* ]] || die "There is no config file $1. Ours are in $REPO/configs."
}

# require_whole NAME VALUE LEAST
require_whole() {
    [[ "$2" =~ ^[0-9]+$ ]] && [ "$2" -ge "$3" ] || die "$1 must be a whole number from $3, not '$2'."
}

# run_distributed SCRIPT PROCESSES CONFIG [ARGS...]
run_distributed() {
    local script="$1" processes="$2" nodes="${NNODES:-1}" rank="${NODE_RANK:-0}"
    local port="${PORT:-}"
    # Several machines must agree on a port; on one, tools/processes.py takes a free one.
    [ "$nodes" = 1 ] || port="${port:-29500}"
    shift 2
    require_config "$1"
    require_whole 'The number of GPUs' "$processes" 1
    require_whole NNODES "$nodes" 1
    require_whole NODE_RANK "$rank" 0
    [ -z "$port" ] || require_whole PORT "$port" 1
    [ "$rank" -lt "$nodes" ] || die "NODE_RANK=$rank must be less than NNODES=$nodes: the first machine is 0."
    find_python
    # torchrun's own default, said aloud because it warns where the variable is unset.
    export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"
    exec "$PYTHON_BIN" "$REPO/tools/processes.py" \
        --nnodes="$nodes" --node_rank="$rank" --nproc_per_node="$processes" \
        --master_addr="${MASTER_ADDR:-127.0.0.1}" ${port:+--master_port="$port"} \
        "$REPO/tools/$script" "$@" --launcher pytorch
}

# run_slurm PARTITION JOB_NAME SCRIPT CONFIG [ARGS...]
run_slurm() {
    local partition="$1" job="$2" script="$3" per_node="${GPUS_PER_NODE:-8}"
    shift 3
    require_config "$1"
    find_python
    export MASTER_PORT="${MASTER_PORT:-$((12000 + RANDOM % 20000))}"
    set -x
    # SRUN_ARGS is a list of words, hence unquoted.
    # shellcheck disable=SC2086
    exec srun -p "$partition" --job-name="$job" --gres=gpu:"$per_node" \
        --ntasks="${GPUS:-8}" --ntasks-per-node="$per_node" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" --kill-on-bad-exit=1 ${SRUN_ARGS:-} \
        "$PYTHON_BIN" -u "$REPO/tools/$script" "$@" --launcher=slurm
}
