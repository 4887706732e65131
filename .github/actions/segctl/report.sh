#!/usr/bin/env bash
# Writes or updates the comment on the pull request, or the drift issue.
set -euo pipefail

github() { python -I "$GITHUB_ACTION_PATH/github.py" "$@"; }

case ${INPUT_COMMAND:?} in
  drift)
    closed=()
    if [ "$CHANGES" = false ] && [ "$CODE" = 0 ]; then closed=(--closed); fi
    github issue --body "$BODY" --title "segctl: drift on ${INPUT_TARGET:?}" ${closed[@]+"${closed[@]}"}
    ;;
  *)
    if [ -n "$PULL" ]; then
      github comment --body "$BODY" --pull "$PULL"
    else
      github comment --body "$BODY" --commit "${GITHUB_SHA:?}"
    fi
    ;;
esac
