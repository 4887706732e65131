#!/usr/bin/env bash
# Runs one segctl command for the action. Writes what the later steps need: body.md (the comment or
# issue, which starts with its marker), the outputs, the job summary, and segctl's exit code as the
# output `code`. The last step of the action exits with that code.
# This is the only script with the key, which only `with_key` passes on. It has no token of GitHub.
set -euo pipefail
. "${GITHUB_ACTION_PATH:?}/common.sh"
limit_environment

# Each run has its own folder, because a job may use the action for several projects or targets.
mkdir -p "${SEGCTL_WORK:?}"
work=$(mktemp -d "$SEGCTL_WORK/XXXXXXXX")
body=$work/body.md
more_summary=$work/summary.md
plan=$work/plan.json
log=$work/log.txt
longest_comment=65000
: > "$more_summary"

command=${INPUT_COMMAND:?}
[[ ${INPUT_API_KEY_ENV:?} =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] \
  || fail "the input api-key-env must be the name of a variable"

# Calls $1 with the name and the value on each line of the input more-api-keys. A here-document could
# write the keys to a file.
each_more_key() {
  local rest=${INPUT_MORE_API_KEYS:-} line
  while [ -n "$rest" ]; do
    line=${rest%%$'\n'*}
    rest=${rest#"$line"}
    rest=${rest#$'\n'}
    line=${line%$'\r'}
    [[ $line =~ ^[[:space:]]*$ ]] || "$1" "${line%%=*}" "${line#*=}"
  done
}
check_key() {
  # A line without `=` is both the name and the value.
  [[ $1 != "$2" && $1 =~ ^([A-Z0-9]+_)*SENDGRID(_[A-Z0-9]+)*_KEY(_[A-Z0-9]+)*$ ]] \
    || fail "each line of the input more-api-keys must be VARIABLE=KEY, the variable an api_key_env"
}
export_key() { export "$1=$2"; }
each_more_key check_key

# Runs segctl with the key in the variable that the target's api_key_env names, and with other keys.
with_key() {
  (
    each_more_key export_key
    export "$INPUT_API_KEY_ENV=${INPUT_API_KEY:-}"
    segctl "$@"
  )
}

# The arguments from the workflow, split at white space. Nothing in them is expanded.
read -rd '' -a more <<< "${INPUT_ARGUMENTS:-}" || true

# Writes a body that explains a failure: the title $2, and the output of segctl in a code block.
explain_failure() {
  github failed --kind "$1" --target "$INPUT_TARGET" --project "$(project_folder)" --title "$2" \
    --log "$log" > "$body"
}

# Text from the files may look like a workflow command. Between mute_commands and unmute_commands,
# the runner executes none.
token=$(python -c 'import secrets; print(secrets.token_hex(16))')
mute_commands() { printf '::stop-commands::%s\n' "$token"; }
unmute_commands() { printf '\n::%s::\n' "$token"; }

# Runs a command, shows its stderr at once, and keeps it in $log for `explain_failure`.
with_log() {
  { "$@" 2>&1 >&4 4>&- | tee "$log" >&2 4>&-; } 4>&1
}

# Ends an apply before it starts. $log says why, and $1 as well.
refuse() {
  unmute_commands
  printf '::error title=segctl::%s\n' "$1"
  mute_commands
  explain_failure apply "Nothing was applied: no plan was approved"
  code=1
}

code=0
mute_commands
case $command in
  validate)
    segctl validate --format github ${more[@]+"${more[@]}"} > "$work/findings.txt" || code=$?
    unmute_commands
    cat "$work/findings.txt"
    mute_commands
    segctl validate --format markdown > "$more_summary" 2> /dev/null || true
    # The tests of the segments need no key, either.
    if [ "$code" = 0 ]; then
      segctl test --format github > "$work/tests.txt" || code=$?
      unmute_commands
      cat "$work/tests.txt"
      mute_commands
      segctl test --format markdown >> "$more_summary" 2> /dev/null || true
    fi
    ;;
  plan)
    with_log with_key plan --out "$plan" ${more[@]+"${more[@]}"} || code=$?
    if [ -s "$plan" ]; then
      unmute_commands
      segctl show "$plan" --format github
      mute_commands
      segctl show "$plan" --format markdown > "$body"
      github outputs --plan "$plan" >> "$GITHUB_OUTPUT"
      output plan "$plan"
    else
      unmute_commands
      segctl validate --format github 2> /dev/null || true
      mute_commands
      explain_failure plan "segctl could not make a plan"
    fi
    ;;
  apply)
    expect=()
    digest=${INPUT_EXPECT_DIGEST:-}
    if [ "$digest" = approved ]; then
      digest=${APPROVED_DIGEST:-}
      if [ -z "$digest" ]; then
        cp "${REFUSAL:?}" "$log"
        refuse "$(tail -n 1 "$log")"
      fi
    elif [ -z "$digest" ] && [ "${INPUT_REQUIRE_APPROVAL:-}" != false ]; then
      echo "expect-digest is empty, and require-approval is not false" > "$log"
      refuse "$(cat "$log")"
    fi
    if [ -n "$digest" ]; then expect=(--expect-digest "$digest"); fi
    if [ "$code" = 0 ]; then
      with_log with_key apply --auto-approve --format markdown \
        --journal "$work/journal.ndjson" ${expect[@]+"${expect[@]}"} ${more[@]+"${more[@]}"} \
        > "$body" || code=$?
      [ -s "$body" ] || explain_failure apply "Nothing was applied"
      # The plan was refused. The approver must see the current one.
      if [ "$code" = 3 ] && with_key plan --out "$plan" ${more[@]+"${more[@]}"} > "$log" 2>&1 \
        || [ -s "$plan" ]; then
        segctl show "$plan" --format markdown | tail -n +2 > "$more_summary"
      fi
      cat "$body"
      output journal "$work/journal.ndjson"
    fi
    ;;
  drift)
    with_log with_key drift --detailed-exitcode --format markdown ${more[@]+"${more[@]}"} \
      > "$body" || code=$?
    case $code in
      0) output changes false ;;
      2) output changes true; code=0 ;;
      *) [ -s "$body" ] || explain_failure drift "segctl could not compare the account with the files" ;;
    esac
    cat "$body"
    ;;
  *)
    unmute_commands
    echo "::error title=segctl::command must be validate, plan, apply or drift"
    mute_commands
    code=1
    ;;
esac
unmute_commands

if [ "$code" = 1 ] && [ -z "${INPUT_API_KEY:-}${INPUT_MORE_API_KEYS:-}" ] && [ "$command" != validate ] \
  && [ "$INPUT_TARGET" != sandbox ]; then
  echo "::notice title=segctl::the input api-key is empty: pass the secret that holds the key"
fi
output code "$code"
# The job summary has room for more than a comment, so it always contains everything.
if [ -s "$body" ]; then
  output body "$body"
  cat "$body" >> "$GITHUB_STEP_SUMMARY"
  if [ $(($(wc -c < "$body") + $(wc -c < "$more_summary"))) -le "$longest_comment" ]; then
    cat "$more_summary" >> "$body"
  elif [ -s "$more_summary" ]; then
    printf '<p>The current plan is too long for a comment. The job summary shows it.</p>\n' \
      >> "$body"
  fi
fi
cat "$more_summary" >> "$GITHUB_STEP_SUMMARY"
