#!/usr/bin/env bash
# Finds the digest that the merged pull request approved. Has the token, and no key.
# Writes the output `digest`, or the output `refusal`: a file that says why there is none.
set -euo pipefail
. "${GITHUB_ACTION_PATH:?}/common.sh"
limit_environment

mkdir -p "${SEGCTL_WORK:?}"
refusal=$(mktemp "$SEGCTL_WORK/XXXXXXXX")
required=()
case ${INPUT_REQUIRE_APPROVAL:-} in
  true) required=(--require-approval) ;;
  false) ;;
  *) fail "the input require-approval must be true or false" ;;
esac
if digest=$(github_with_token approved --commit "${GITHUB_SHA:?}" --ref "${GITHUB_REF:?}" \
  --target "${INPUT_TARGET:?}" --project "$(project_folder)" ${required[@]+"${required[@]}"} \
  2> "$refusal"); then
  output digest "$digest"
else
  output refusal "$refusal"
fi
