#!/bin/sh
# Builds python-ESL, the independent event-socket client of the conformance tests and benchmarks, into a venv.
#
#   tests/conformance_setup.sh [VENV]        (default: .venv beside the repository's Makefile)
#
# The published source runs SWIG with `-classic`, an option that SWIG 4 dropped: it is taken away before the
# build. Safe to run again: it does nothing when ESL is there already.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
venv=${1:-"$root/.venv"}
case $venv in /*) ;; *) venv=$PWD/$venv ;; esac
python="$venv/bin/python"
lock="$root/requirements-conformance.lock"

if [ ! -x "$python" ]; then
    echo "conformance-setup: no Python at $python: run 'make setup' first" >&2
    exit 1
fi
if (cd / && "$python" -c 'import ESL') 2>/dev/null; then
    echo "conformance-setup: python-ESL is there already"
    exit 0
fi

missing=
command -v swig >/dev/null 2>&1 || missing="$missing swig"
command -v c++ >/dev/null 2>&1 || missing="$missing g++"
"$python" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || missing="$missing python3-dev"
"$python" -c 'import setuptools, wheel' 2>/dev/null || missing="$missing setuptools-and-wheel-in-the-venv"
if [ -n "$missing" ]; then
    echo "conformance-setup: python-ESL can't be built here; missing:$missing" >&2
    echo "conformance-setup: on Debian: apt-get install swig g++ python3-dev; in the venv: 'make setup'" >&2
    echo "conformance-setup: the conformance tests skip, with this reason, until then" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

echo "conformance-setup: fetching the pinned source of python-ESL"
"$python" -m pip download --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-binary :all: \
    --require-hashes -r "$lock" -d "$work"
tar -xzf "$work"/*.tar.gz -C "$work"
source=$(find "$work" -mindepth 1 -maxdepth 1 -type d)

if swig -version | grep -q '^SWIG Version [4-9]'; then
    echo "conformance-setup: SWIG 4 or later: building without its dropped option -classic"
    sed -i "s/'-classic', *//" "$source/setup.py"
fi

echo "conformance-setup: building it into $venv"
if ! "$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation "$source" >"$work/log" 2>&1; then
    tail -n 40 "$work/log" >&2
    echo "conformance-setup: the build failed (its last lines are above)" >&2
    exit 1
fi
(cd / && "$python" -c 'import ESL')
echo "conformance-setup: done"
