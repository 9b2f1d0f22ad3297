# Sourced by the other scripts: sets up a virtual environment in .venv with the project and all its extras.
# shellcheck shell=bash

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

supported() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    for python in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        if command -v "$python" >/dev/null && supported "$python"; then
            echo "$python"
            return
        fi
    done
    echo "autoenc needs Python 3.11, 3.12 or 3.13; none was found. Name one with PYTHON=/path/to/python3." >&2
    return 1
}

set_up() {
    local wanted python
    wanted="$(cat pyproject.toml constraints.txt | cksum)"
    if [ -x .venv/bin/python ] && [ "$(cat .venv/autoenc-installed 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    python="$(find_python)"
    echo "Setting up .venv with $("$python" --version); this takes a few minutes, the first time only." >&2
    "$python" -m venv --clear .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
        --config-settings editable_mode=compat --editable '.[train,plots,tables,serve,dev]'
    echo "$wanted" >.venv/autoenc-installed
}
