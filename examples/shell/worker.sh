#!/usr/bin/env bash
# Works on the msgs of a queue, one after the other, until SIGTERM.
# usage: worker.sh [--url URL] [--queue NAME] [--name NAME], or PENA_URL, PENA_QUEUE, PENA_NAME
# needs: bash 4.4 or later, curl 7.76 or later, jq, grep
set -um # m: what runs in the background is a process group, which can be ended whole

silence=10 # s without a sign of life, after which a stream is lost
again=1    # s until the next try
final=65   # how a job ends that would fail at another attempt, too

# Does the work on the msg $1: put your own here. It prints the result, any JSON. Where it ends with
# another exit code than 0 the msg fails, for the reason on stderr, and is sent again after the
# backoff.
job() {
  local period attempt busy n
  read -r period attempt busy n < <(jq -r '(.payload | objects) as {$n, $busy} |
    "\(.period) \(.attempt // 1) \($busy // 0) \($n | numbers | select(. == floor))"' <<<"$1")
  [ -n "$n" ] || { echo 'the payload has no "n"; expected a whole number' >&2 && exit "$final"; }
  sleep "$(seconds "$period")" # what takes long
  [ "$attempt" -gt "$busy" ] || { echo "the target was busy" >&2 && exit 1; }
  echo "{\"square\":$((n * n))}"
}

seconds() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)); }
say() { echo "$*" >&2; }
is_temporary() { [[ $1 =~ ^(000|408|425|429|5..)$ ]]; } # 000: there was no answer

url=${PENA_URL:-http://127.0.0.1:8080} queue=${PENA_QUEUE:-default} name=${PENA_NAME:-$HOSTNAME-$$}
refuse() { say "$1: expected --url, --queue or --name, and a value behind it" && exit 2; }
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || refuse "$1"
  case $1 in
    --url) url=$2 ;;
    --queue) queue=$2 ;;
    --name) name=$2 ;;
    *) refuse "$1" ;;
  esac
  shift 2
done
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
stopping=false signalled=
trap 'stopping=true signalled=1' TERM INT

report() { # the body $1; sets status and answer
  answer=$(curl -sS --max-time "$silence" -w '\n%{http_code}' --data-binary @- "$url/report" <<<"$1")
  status=${answer##*$'\n'} answer=${answer%$'\n'*}
}

keep() { # lets the lease begin again, three times in each; what fails is made up for by the next
  while sleep "$(seconds $((lease / 3)))"; do
    report '{"batch":"'"$batch"'","ids":[],"partial":true}'
    if [ "$status" = 409 ] && [ "$(jq .held <<<"$answer")" = 0 ]; then
      say "the batch $batch is over"
      kill -- "-$1"
    fi
  done
}

failed() { # $1: why; $2: whether that is final
  jq -cn --arg id "$id" --arg error "$1" --argjson final "$2" \
    '{ids: [], failed: [{id: $id, error: $error, final: $final}]}'
}

outcome() { # of a job that ended with $1: what its report will say
  if [ "$1" != 0 ]; then
    failed "$(tail -c 1000 "$folder/error")" "$([ "$1" = "$final" ] && echo true || echo false)"
  else
    jq -cn --arg id "$id" --slurpfile result "$folder/result" \
      '{ids: [$id], results: {($id): $result[0]}}' || failed "the job printed no JSON" false
  fi
}

settle() { # reports the outcome $1 until that is answered
  local outcome=$1
  while :; do
    report '{"batch":"'"$batch"'","last":'"$stopping,${outcome#\{}"
    if [ "$status" = 200 ]; then
      echo "$outcome" && return
    elif [ "$status" = 409 ]; then
      say "too late: $answer" && return
    elif is_temporary "$status"; then
      say "not answered: $answer"
      sleep "$again"
    elif [[ $outcome = '{"ids":[],'* ]]; then
      say "the report was refused: $answer" && exit 1
    else
      outcome=$(failed "the report was refused: $answer" true)
    fi
  done
}

work() { # on the msg $1
  local job keeper code
  [[ $1 =~ ^\{\"id\":\"([0-9a-v]+)\" ]] && id=${BASH_REMATCH[1]}
  job "$1" >"$folder/result" 2>"$folder/error" & job=$!
  keep "$job" & keeper=$!
  while signalled='' && wait "$job" 2>/dev/null; code=$?; [ -n "$signalled" ]; do :; done
  kill -- "-$keeper"
  wait "$keeper" 2>/dev/null
  settle "$(outcome "$code")"
}

# The stream with its head, and the status last; without its heartbeats, so that it is read while a
# job runs. curl ends by itself where less than a byte a second comes for too long.
stream() {
  trap '' INT # Ctrl-C is for the worker, which reads the stream to its end
  curl -sSiN --connect-timeout "$silence" --speed-limit 1 --speed-time "$silence" \
    -w '\nstatus: %{http_code}\n' -G "$url/task" -d 'batchsize=1&submitted=1' \
    --data-urlencode "queue=$queue" --data-urlencode "name=$name" | grep --line-buffered -v '^: at='
}

leave() { # says that this worker takes no more: the stream $1 ends, at once or with its batch
  report '{"client":"'"$1"'","last":true}'
  [ "$status" = 200 ] || { say "not answered: $answer" && return 1; }
}

take() { # one stream, up to its end
  local line='' part code batch lease client=''
  exec 3< <(stream)
  while :; do
    # Whatever `held` in the answer is: a batch that is on its way comes before the end.
    "$stopping" && [ -n "$client" ] && leave "$client" && client=''
    IFS= read -r -t "$again" -u 3 part; code=$?
    line+=$part # where the time is up, what has come of a line
    [ "$code" -le 128 ] || continue
    case $line in
      [Pp]ena-[Cc]lient:*) client=${line:13:20} ;; # some proxies write it small
      ': batch='*) lease=${line##*lease=} ;;
      'id: '?*) batch=${line#id: } ;;
      'data: '?*) work "${line#data: }" ;;
      '{"error":'*) say "$line" ;;
      'status: 4'*) is_temporary "${line#status: }" || exit 1 ;;
    esac
    line=''
    [ "$code" = 0 ] || break
  done
  exec 3<&-
}

while ! "$stopping"; do
  take
  "$stopping" || { say "the stream is lost" && sleep "$again"; }
done
