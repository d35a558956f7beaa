#!/bin/sh
# Makes the virtual environment named in $1 from the lock files. Idempotent; says what it does.
set -eu

venv="$1"
python="${PYTHON:-python3}"

say() { printf '==> %s\n' "$*"; }

if ! command -v "$python" >/dev/null 2>&1; then
    say "no $python here: Python 3.11 or newer is needed (Debian: apt-get install python3)" >&2
    exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$("$python" --version) is too old: Python 3.11 or newer is needed" >&2
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    package="python3-venv"
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        say "installing Debian's $package (this Python cannot make virtual environments without it)"
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package"
    elif command -v apt-get >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        say "installing Debian's $package with sudo"
        sudo -n apt-get update -qq && sudo -n apt-get install -y -qq --no-install-recommends "$package"
    else
        say "this Python cannot make virtual environments: install $package (apt-get install $package), then again" >&2
        exit 1
    fi
fi

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    say "making $venv"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
say "installing the locked packages into $venv (a minute the first time)"
"$venv/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r requirements-build.lock
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation --require-hashes -r requirements.lock
"$venv/bin/python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
say "ready: $venv/bin/dialer"
