#!/usr/bin/env bash
# Runs one command of segctl for the action, and leaves what the later steps need: body.md (the
# comment or issue, beginning with its marker), the outputs, the job summary, and segctl's exit
# code as the output `code`. The last step of the action ends with that code.
set -euo pipefail

work=${SEGCTL_WORK:?}
mkdir -p "$work"
body=$work/body.md
plan=$work/plan.json
log=$work/log.txt
rm -f "$body" "$plan" "$log"

output() { printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"; }
github() { python "$GITHUB_ACTION_PATH/github.py" "$@"; }

command=${INPUT_COMMAND:?}
segctl=(segctl -C "${INPUT_WORKING_DIRECTORY:-.}" --target "${INPUT_TARGET:?}")
# The words of whoever wrote the workflow, split at white space; nothing else is expanded.
read -ra more <<< "${INPUT_ARGUMENTS:-}"

# Why there is nothing better to show: what segctl said, fenced.
explain_failure() {
  github failed --kind "$1" --target "$INPUT_TARGET" --title "$2" --log "$log" > "$body"
}

# What the files say may look like a command to the runner: it shall read none in what segctl
# prints for people.
token=$(python -c 'import secrets; print(secrets.token_hex(16))')
hush() { printf '::stop-commands::%s\n' "$token"; }
unhush() { printf '\n::%s::\n' "$token"; }

# Runs a command whose talk on stderr is shown at once, and kept for `explain_failure`.
loudly() {
  local ended=0 copying
  exec 3> >(tee "$log" >&2)
  copying=$!
  "$@" 2>&3 3>&- || ended=$?
  exec 3>&-
  wait "$copying" || true
  return "$ended"
}

code=0
hush
case $command in
  validate)
    unhush
    "${segctl[@]}" validate --format github "${more[@]}" || code=$?
    hush
    ;;
  plan)
    loudly "${segctl[@]}" plan --out "$plan" "${more[@]}" || code=$?
    if [ -s "$plan" ]; then
      unhush
      "${segctl[@]}" show "$plan" --format github
      hush
      "${segctl[@]}" show "$plan" --format markdown > "$body"
      github outputs --plan "$plan" >> "$GITHUB_OUTPUT"
      output plan "$plan"
    else
      unhush
      "${segctl[@]}" validate --format github || true
      hush
      explain_failure plan "The plan could not be made"
    fi
    ;;
  apply)
    expect=()
    digest=${INPUT_EXPECT_DIGEST:-}
    if [ "$digest" = approved ]; then
      if ! digest=$(github approved --commit "$GITHUB_SHA" --target "$INPUT_TARGET" 2> "$log"); then
        cat "$log" >&2
        explain_failure apply "Nothing was applied: there is no approved plan"
        code=1
      fi
    fi
    if [ -n "$digest" ]; then expect=(--expect-digest "$digest"); fi
    if [ "$code" = 0 ]; then
      loudly "${segctl[@]}" apply --auto-approve --format markdown \
        --journal "$work/journal.ndjson" "${expect[@]}" "${more[@]}" > "$body" || code=$?
      [ -s "$body" ] || explain_failure apply "Nothing was applied"
      # Refused: whoever is to approve the plan as it is now has to see it.
      if [ "$code" = 3 ] && "${segctl[@]}" plan --out "$plan" "${more[@]}" > "$log" 2>&1 \
        || [ -s "$plan" ]; then
        "${segctl[@]}" show "$plan" --format markdown | tail -n +2 >> "$body"
      fi
      cat "$body"
      output journal "$work/journal.ndjson"
    fi
    ;;
  drift)
    loudly "${segctl[@]}" drift --detailed-exitcode --format markdown "${more[@]}" \
      > "$body" || code=$?
    case $code in
      0) output changes false ;;
      2) output changes true; code=0 ;;
      *) [ -s "$body" ] || explain_failure drift "The account could not be compared" ;;
    esac
    cat "$body"
    ;;
  *)
    unhush
    echo "::error title=segctl::the command is none of validate, plan, apply and drift"
    hush
    code=1
    ;;
esac
unhush

output code "$code"
if [ -s "$body" ]; then
  output body "$body"
  cat "$body" >> "$GITHUB_STEP_SUMMARY"
fi
