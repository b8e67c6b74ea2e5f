#!/bin/sh
# Runs duologue with this machine's libtorch 2.11. It is, in this order: what --libtorch names, what LIBTORCH names, what lies in a folder of
# LD_LIBRARY_PATH, the one of python3's PyTorch.
#
#   ./run.sh selftest --device cuda --pace --train
#   ./run.sh --libtorch DIR selftest --device cpu
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

if [ "${1:-}" = --libtorch ]; then
    if [ $# -lt 2 ]; then
        echo "error: --libtorch needs a folder" >&2
        echo "hint: the one with lib/libtorch_cpu.so in it" >&2
        exit 2
    fi
    LIBTORCH=$2
    shift 2
fi

on_path() {
    (
        IFS=:
        for folder in ${LD_LIBRARY_PATH:-}; do
            [ -e "$folder/libtorch_cpu.so" ] && exit 0
        done
        exit 1
    )
}

if [ -z "${LIBTORCH:-}" ] && ! on_path; then
    # Found without importing it, which takes seconds and may start a GPU.
    LIBTORCH=$(python3 -c '
import importlib.util
spec = importlib.util.find_spec("torch")
print(spec.submodule_search_locations[0] if spec else "")' 2>/dev/null) || LIBTORCH=
fi
# Where nothing is found, the program says so.
[ -n "${LIBTORCH:-}" ] && export LIBTORCH || unset LIBTORCH
exec "$here/duologue" "$@"
