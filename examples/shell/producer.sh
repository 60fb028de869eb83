#!/usr/bin/env bash
# Submits msgs, waits until each has ended, and prints what became of it.
# usage: producer.sh [--url URL] [--queue NAME] <msgs, or PENA_URL, PENA_QUEUE
# needs: bash 4.4 or later, curl 7.76 or later, jq
#
# Each line of the input is a msg with a key: {"key":"order 7","payload":{"n":7}}. A msg of that key
# is accepted once, however often it is submitted: so ask again whenever an answer is lost.
# Exit code: 0 all were reported, 1 some failed, 2 they could not be submitted.
set -u

silence=10 # s in which an answer comes
again=0.5  # s until the next try, and between two looks at a msg
most=25    # msgs of a request: so many of the largest (256 KiB) fit in a body (8 MiB)

say() { echo "$*" >&2; }
refuse() { say "$*" && exit 2; }

url=${PENA_URL:-http://127.0.0.1:8080} queue=${PENA_QUEUE:-default}
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || refuse "$1: expected a value behind it"
  case $1 in
    --url) url=$2 ;;
    --queue) queue=$2 ;;
    *) refuse "$1: expected --url or --queue" ;;
  esac
  shift 2
done

# Asks for the path $1, with the body $2 where there is one, until that is answered; sets status and
# answer.
ask() {
  local body=()
  [ -z "${2-}" ] || body=(--data-binary @-)
  while :; do
    answer=$(curl -sS --max-time "$silence" -w '\n%{http_code}' "${body[@]}" "$url$1" <<<"${2-}")
    status=${answer##*$'\n'} answer=${answer%$'\n'*}
    [[ $status =~ ^(000|408|425|429|5..)$ ]] || return 0 # 000: there was no answer
    say "not answered: $answer"
    sleep "$again"
  done
}

submit() { # the lines $@ as they stand, digit for digit; adds to ids
  local IFS=, query
  query=$(jq -rn --arg queue "$queue" '$queue | @uri')
  ask "/task?queue=$query" "[$*]"
  [ "$status" = 201 ] || refuse "$answer"
  mapfile -t -O "${#ids[@]}" ids < <(jq -r '.ids[]' <<<"$answer")
}

wait_for() { # the msg $1 to end, whose key is $2, as JSON; sets its end
  while ask "/task/$1"; do
    # 404: deleted, or forgotten (--keep-reports, --keep-fails)
    [ "$status" = 200 ] || { end="failed: $2: $answer" && return; }
    end=$(jq -r --argjson key "$2" 'if .state == "reported" then {key: $key, id, result} | tojson
      elif .state == "failed" then "failed: \($key): \(.story[-1] | .error // .outcome)"
      else empty end' <<<"$answer")
    [ -z "$end" ] || return
    sleep "$again"
  done
}

mapfile -t lines
ids=() code=0
mapfile -t keys < <(printf '%s\n' "${lines[@]}" |
  jq -rR '[fromjson? | objects.key | strings | tojson][0] // ""')
for at in "${!lines[@]}"; do
  [ -n "${keys[at]}" ] ||
    refuse "line $((at + 1)) is ${lines[at]:0:80}; expected"' {"key":"…","payload":…}'
done
for ((first = 0; first < ${#lines[@]}; first += most)); do
  submit "${lines[@]:first:most}"
done
for at in "${!ids[@]}"; do
  wait_for "${ids[at]}" "${keys[at]}"
  case $end in
    failed:*) code=1 && say "$end" ;;
    *) echo "$end" ;;
  esac
done
exit "$code"
