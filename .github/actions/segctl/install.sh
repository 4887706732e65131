#!/usr/bin/env bash
# Installs segctl into its own virtual environment, and adds that to the path of later steps.
set -euo pipefail

version=${INPUT_VERSION:?}
case $version in
  # With DuckDB, which runs the tests of segments and counts audiences.
  [0-9]*) requirement="segctl[preview]==$version" ;;
  *) requirement=$version ;;
esac
venv=${RUNNER_TEMP:?}/segctl/venv
# -I isolates Python: a file of the checkout with the name of a Python module is not imported.
python -I -m venv "$venv"
bin=$venv/bin
[ -d "$bin" ] || bin=$venv/Scripts
"$bin/python" -I -m pip install --quiet --disable-pip-version-check "$requirement"
printf '%s\n' "$bin" >> "$GITHUB_PATH"
"$bin/segctl" --version
