#!/bin/sh
# Make .venv from the lock. `run` makes it anew, with what the program needs; `package` puts the program itself there, from this folder;
# `dev` adds what testing needs. One line is said when it starts; the rest is in .venv/setup.log.
set -eu
cd "$(dirname "$0")/.."

fail() {
    printf 'registry-doctor: %s\n' "$1" >&2
    exit 1
}

# The first Python that is new enough. $PYTHON wins, and is then not guessed around.
find_python() {
    for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python}; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$python"
            return
        fi
    done
    fail "no Python 3.11 or newer was found (${PYTHON:-python3}); install one, or name it: make PYTHON=/path/to/python3"
}

# Debian and Ubuntu ship Python without venv: one package adds it.
have_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }
need_venv() {
    have_venv "$1" && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    command -v apt-get >/dev/null 2>&1 || fail "$1 has no venv module; add it with your system's package manager, then run make again"
    if [ "$(id -u)" = 0 ]; then
        echo "Adding $package ($1 has no venv module) …" >&2
        (apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$package") >/dev/null || true
    fi
    have_venv "$1" || fail "$1 has no venv module; this adds it: sudo apt-get update && sudo apt-get install -y $package"
}

log=.venv/setup.log
install() {
    .venv/bin/python -m pip install --disable-pip-version-check --progress-bar off "$@" >>"$log" 2>&1 || {
        tail -n 15 "$log" >&2
        fail "the packages of the lock were not installed; the whole story is in $log"
    }
}

case "$1" in
run)
    python=$(find_python)
    need_venv "$python"
    echo "Setting up .venv with $("$python" --version 2>&1), once; it takes a minute …" >&2
    rm -rf .venv
    "$python" -m venv .venv
    install --require-hashes -r requirements/build.txt -r requirements/run.txt
    ;;
package)
    install --no-deps --no-build-isolation --editable .
    ;;
dev)
    echo "Adding the development tools to .venv, once …" >&2
    install --require-hashes -r requirements/dev.txt
    ;;
*)
    fail "usage: tools/venv.sh run|package|dev"
    ;;
esac
