#!/bin/sh
# Pin what building, running and developing need: requirements/build.txt, run.txt and dev.txt, with the hashes of every platform's files and no
# address of a package host. One resolution holds for Python 3.11 and later on Linux and macOS (`--universal` writes the markers).
# Local pip settings are left out on purpose: the hashes must be those of the public files.
set -eu
cd "$(dirname "$0")/.."

tool=$(mktemp -d)
trap 'rm -rf "$tool"' EXIT
"${PYTHON:-python3}" -m venv "$tool"
"$tool/bin/python" -m pip install --quiet --disable-pip-version-check uv

compile() {
    UV_NO_CONFIG=1 "$tool/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate ${UPGRADE:+--upgrade} "$@"
}

compile requirements/build.in -o requirements/build.txt
compile pyproject.toml -o requirements/run.txt
compile pyproject.toml requirements/dev.in -c requirements/run.txt -o requirements/dev.txt

if grep -nE '://|--(index|extra|find|trusted)' requirements/*.txt; then
    echo "tools/lock.sh: the lines above name a package host; take them out" >&2
    exit 1
fi
