#!/usr/bin/env bash
# Runs one command of segctl for the action, and leaves what the later steps need: body.md (the
# comment or issue, beginning with its marker), the outputs, the job summary, and segctl's exit
# code as the output `code`. The last step of the action ends with that code.
# It keeps to what bash 3.2 knows, which is the one of macOS: there an empty array is unset.
set -euo pipefail

# A folder of this run alone: a job may use the action for several projects or targets.
mkdir -p "${SEGCTL_WORK:?}"
work=$(mktemp -d "$SEGCTL_WORK/XXXXXXXX")
body=$work/body.md
more_summary=$work/summary.md
plan=$work/plan.json
log=$work/log.txt
longest_comment=65000
: > "$more_summary"

output() { printf '%s=%s\n' "$1" "$2" >> "$GITHUB_OUTPUT"; }
# Alone (-I): a file of the checkout named like a module of Python is never imported.
github() { python -I "$GITHUB_ACTION_PATH/github.py" "$@"; }

command=${INPUT_COMMAND:?}
segctl=(segctl -C "${INPUT_WORKING_DIRECTORY:-.}" --target "${INPUT_TARGET:?}")
# The words of whoever wrote the workflow, split at white space; nothing else is expanded.
read -rd '' -a more <<< "${INPUT_ARGUMENTS:-}" || true

# The project's folder, as the markers of segctl say it: whatever is wrong, they have it.
project() {
  local found
  found=$("${segctl[@]}" validate --format markdown 2> /dev/null \
    | sed -n '1s/.* project=\([^ ]*\) .*/\1/p') || true
  printf '%s' "${found:-.}"
}

# Why there is nothing better to show: what segctl said, fenced.
explain_failure() {
  github failed --kind "$1" --target "$INPUT_TARGET" --project "$(project)" --title "$2" \
    --log "$log" > "$body"
}

# What the files say may look like a command to the runner: it shall read none in what segctl
# prints for people.
token=$(python -I -c 'import secrets; print(secrets.token_hex(16))')
hush() { printf '::stop-commands::%s\n' "$token"; }
unhush() { printf '\n::%s::\n' "$token"; }

# Runs a command whose talk on stderr is shown at once, and kept for `explain_failure`.
loudly() {
  { "$@" 2>&1 >&4 4>&- | tee "$log" >&2 4>&-; } 4>&1
}

code=0
hush
case $command in
  validate)
    "${segctl[@]}" validate --format github ${more[@]+"${more[@]}"} > "$work/found.txt" || code=$?
    unhush
    cat "$work/found.txt"
    hush
    "${segctl[@]}" validate --format markdown > "$more_summary" 2> /dev/null || true
    # The tests of the segments need no key either.
    if [ "$code" = 0 ]; then
      "${segctl[@]}" test --format github > "$work/tests.txt" || code=$?
      unhush
      cat "$work/tests.txt"
      hush
      "${segctl[@]}" test --format markdown >> "$more_summary" 2> /dev/null || true
    fi
    ;;
  plan)
    loudly "${segctl[@]}" plan --out "$plan" ${more[@]+"${more[@]}"} || code=$?
    if [ -s "$plan" ]; then
      unhush
      "${segctl[@]}" show "$plan" --format github
      hush
      "${segctl[@]}" show "$plan" --format markdown > "$body"
      github outputs --plan "$plan" >> "$GITHUB_OUTPUT"
      output plan "$plan"
    else
      unhush
      "${segctl[@]}" validate --format github 2> /dev/null || true
      hush
      explain_failure plan "The plan could not be made"
    fi
    ;;
  apply)
    expect=()
    digest=${INPUT_EXPECT_DIGEST:-}
    if [ "$digest" = approved ]; then
      if ! digest=$(github approved --commit "${GITHUB_SHA:?}" --target "$INPUT_TARGET" \
        --project "$(project)" 2> "$log"); then
        unhush
        printf '::error title=segctl::%s\n' "$(tail -n 1 "$log")"
        hush
        explain_failure apply "Nothing was applied: there is no approved plan"
        code=1
      fi
    fi
    if [ -n "$digest" ]; then expect=(--expect-digest "$digest"); fi
    if [ "$code" = 0 ]; then
      loudly "${segctl[@]}" apply --auto-approve --format markdown \
        --journal "$work/journal.ndjson" ${expect[@]+"${expect[@]}"} ${more[@]+"${more[@]}"} \
        > "$body" || code=$?
      [ -s "$body" ] || explain_failure apply "Nothing was applied"
      # Refused: whoever is to approve the plan as it is now has to see it.
      if [ "$code" = 3 ] && "${segctl[@]}" plan --out "$plan" ${more[@]+"${more[@]}"} > "$log" 2>&1 \
        || [ -s "$plan" ]; then
        "${segctl[@]}" show "$plan" --format markdown | tail -n +2 > "$more_summary"
      fi
      cat "$body"
      output journal "$work/journal.ndjson"
    fi
    ;;
  drift)
    loudly "${segctl[@]}" drift --detailed-exitcode --format markdown ${more[@]+"${more[@]}"} \
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
# The summary takes more than a comment does: what does not fit into this one is there whole.
if [ -s "$body" ]; then
  output body "$body"
  cat "$body" >> "$GITHUB_STEP_SUMMARY"
  if [ $(($(wc -c < "$body") + $(wc -c < "$more_summary"))) -le "$longest_comment" ]; then
    cat "$more_summary" >> "$body"
  elif [ -s "$more_summary" ]; then
    printf '<p>The plan as it is now is too long to stand here: the summary of the job has it.</p>\n' \
      >> "$body"
  fi
fi
cat "$more_summary" >> "$GITHUB_STEP_SUMMARY"
