#!/usr/bin/env bash
# Writes or updates the comment on the pull request, or the drift issue. Has the token, and no key.
set -euo pipefail
. "${GITHUB_ACTION_PATH:?}/common.sh"
limit_environment

case ${INPUT_COMMAND:?} in
  drift)
    closed=()
    if [ "$CHANGES" = false ] && [ "$CODE" = 0 ]; then closed=(--closed); fi
    github_with_token issue --body "$BODY" --title "segctl: drift on ${INPUT_TARGET:?}" \
      ${closed[@]+"${closed[@]}"}
    ;;
  *)
    if [ -n "$PULL" ]; then
      github_with_token comment --body "$BODY" --pull "$PULL"
    else
      github_with_token comment --body "$BODY" --commit "${GITHUB_SHA:?}"
    fi
    ;;
esac
