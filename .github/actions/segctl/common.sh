# What the scripts of the action share: programs that get nothing of the job's environment but what
# they need. A pull request chooses no variable, but a step before this one may have let it choose
# some, with GITHUB_ENV, GITHUB_PATH or a file of settings.
# The action starts its scripts with `bash -p`, which reads no BASH_ENV and imports no function. They
# use only features of bash 3.2, the version on macOS, where an empty array counts as unset.

venv=${RUNNER_TEMP:?}/segctl/venv
bin=$venv/bin
[ ! -d "$venv/Scripts" ] || bin=$venv/Scripts

# Every other variable that is exported stays in this shell, the key and the token among them.
passed="HOME USER LOGNAME LANG LC_ALL LC_CTYPE TZ TMPDIR TEMP TMP RUNNER_TEMP CI
  SYSTEMROOT WINDIR COMSPEC PATHEXT USERPROFILE APPDATA LOCALAPPDATA PROGRAMDATA MSYSTEM
  GITHUB_ACTIONS GITHUB_ACTOR GITHUB_API_URL GITHUB_GRAPHQL_URL GITHUB_REPOSITORY GITHUB_RUN_ATTEMPT
  GITHUB_RUN_ID GITHUB_SHA GITHUB_WORKSPACE
  HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
  SSL_CERT_FILE SSL_CERT_DIR
  SEGCTL_BASE_URL SEGCTL_CACHE_DIR SEGCTL_NO_CACHE SEGCTL_COMMENT_AUTHOR"

# Prints PATH without relative folders and without those of the checkout.
path_outside_checkout() {
  local workspace folder real kept='' IFS=:
  workspace=$(cd -P -- "${GITHUB_WORKSPACE:-.}" && pwd)
  set -f
  for folder in $PATH; do
    case $folder in /*) ;; *) continue ;; esac
    real=$(cd -P -- "$folder" 2> /dev/null && pwd) || continue
    case $real/ in "$workspace"/*) ;; *) kept=$kept${kept:+:}$folder ;; esac
  done
  printf '%s' "$kept"
}

# Keeps every exported variable from the programs, but for `passed`, PATH and the arguments.
limit_environment() {
  local name
  for name in $(compgen -e); do
    case " "$passed" PATH ${*:-} " in *[[:space:]]"$name"[[:space:]]*) ;; *) export -n "${name?}" ;; esac
  done
  PATH=$(path_outside_checkout)
}

# -I isolates Python from its variables, from the user's packages, and from the checkout: no file of
# it with the name of a Python module is imported.
python() { "$bin/python" -I -X utf8 "$@"; }
segctl() { python -m segctl -C "${INPUT_WORKING_DIRECTORY:-.}" --target "${INPUT_TARGET:?}" "$@"; }
github() { python "$GITHUB_ACTION_PATH/github.py" "$@"; }
github_with_token() { GITHUB_TOKEN=${INPUT_TOKEN:-} github "$@"; }

# Prints the project's folder as segctl writes it into its markers, even if a file is invalid.
project_folder() {
  local folder
  folder=$(segctl validate --format markdown 2> /dev/null \
    | sed -n '1s/.* project=\([^ ]*\) .*/\1/p') || true
  printf '%s' "${folder:-.}"
}

output() { printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"; }
fail() {
  printf '::error title=segctl::%s\n' "$1"
  exit 1
}
