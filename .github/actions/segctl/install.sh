#!/usr/bin/env bash
# Installs segctl into its own virtual environment, and puts the program `segctl` on the path of later
# steps. Runs without the key and without the token.
#
# pip installs nothing but the wheels of requirements.txt, which it verifies by their hashes. segctl
# itself comes from a commit, whose id git verifies: it has no release yet.
set -euo pipefail
. "${GITHUB_ACTION_PATH:?}/common.sh"

for name in $(compgen -e); do
  case ${!name} in
    SG.*) fail "$name holds a SendGrid key while pip runs: pass the key as the input api-key instead of as a variable" ;;
  esac
done
# Where pip finds the wheels, and git the commit. The hashes decide what is installed.
limit_environment PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX PIP_PROXY PIP_CERT \
  PIP_CLIENT_CERT PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT PIP_RETRIES REQUESTS_CA_BUNDLE \
  GIT_SSL_CAINFO
# Outside the checkout, where a .python-version or a pip.conf would be read.
cd "$RUNNER_TEMP"

version=${INPUT_VERSION:-}
# segctl's own repository tests itself.
if [ -z "$version" ] && [ "${GITHUB_REPOSITORY:-}" = segctl/segctl ]; then version=${GITHUB_SHA:?}; fi

url='' commit='' requirement=''
is_commit='^(git\+(.+)@)?([0-9a-f]{40})$'
is_hashed='^[^-#][^#]* --hash=sha256:[0-9a-f]{64}'
if [[ $version =~ $is_commit ]]; then
  url=${BASH_REMATCH[2]:-https://github.com/segctl/segctl}
  commit=${BASH_REMATCH[3]}
elif [[ $version =~ $is_hashed ]]; then
  requirement=$version
elif [ -z "$version" ]; then
  fail "set the input version: segctl init did not know from which commit segctl was installed"
else
  fail "the input version must be a commit (40 hex digits), git+URL@COMMIT, or a requirement with --hash=sha256:…"
fi

source=$RUNNER_TEMP/segctl/source
if [ -n "$commit" ]; then
  rm -rf "$source"
  export GIT_TERMINAL_PROMPT=0
  git init --quiet "$source"
  git -C "$source" fetch --quiet --depth 1 --no-tags -- "$url" "$commit" \
    || fail "cannot fetch the commit $commit of $url: push it, or set the input version"
  git -C "$source" -c advice.detachedHead=false checkout --quiet "$commit"
fi

"${INPUT_PYTHON:?}" -I -m venv --clear "$venv"
[ -d "$bin" ] || bin=$venv/Scripts
more=()
if [ -n "$requirement" ]; then
  printf '%s\n' "$requirement" > "$venv/segctl.txt"
  more=(-r "$venv/segctl.txt")
else
  # Python imports segctl from there. Nothing is built, so no build tool runs.
  python -c 'import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "segctl.pth").write_text(sys.argv[1] + "\n", "utf-8")' \
    "$source"
fi
python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
  -r "$GITHUB_ACTION_PATH/requirements.txt" ${more[@]+"${more[@]}"}

programs=$RUNNER_TEMP/segctl/bin
mkdir -p "$programs"
printf '#!/usr/bin/env bash\nexec %q -I -X utf8 -m segctl "$@"\n' "$bin/python" > "$programs/segctl"
chmod +x "$programs/segctl"
printf '%s\n' "$programs" >> "$GITHUB_PATH"
printf '%s from %s\n' "$("$programs/segctl" --version)" \
  "${commit:+the commit $commit of $url, since segctl has no release yet}${requirement%% --hash*}"
