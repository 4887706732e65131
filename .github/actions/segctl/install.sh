#!/usr/bin/env bash
# Installs segctl into an environment of its own and puts that on the path of the later steps.
set -euo pipefail

version=${INPUT_VERSION:?}
case $version in
  # With DuckDB, which tries the tests of segments and counts their audiences.
  [0-9]*) what="segctl[preview]==$version" ;;
  *) what=$version ;;
esac
venv=${RUNNER_TEMP:?}/segctl/venv
# Alone (-I): a file of the checkout named like a module of Python is never imported.
python -I -m venv "$venv"
bin=$venv/bin
[ -d "$bin" ] || bin=$venv/Scripts
"$bin/python" -I -m pip install --quiet --disable-pip-version-check "$what"
printf '%s\n' "$bin" >> "$GITHUB_PATH"
"$bin/segctl" --version
