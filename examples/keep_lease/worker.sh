#!/usr/bin/env bash
# Takes one batch, and keeps its lease for as long as the job takes.
# usage: worker.sh http://127.0.0.1:8080
url=$1

job() { # what takes long; `exec`, so that a kill meets it and no shell in front of it
  exec sleep "$(seconds "$1")"
}

seconds() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)); }
report() { curl -sS --fail-with-body --max-time 10 -d "$1" "$url/report"; }

keep() { # one that fails is made up for by the next
  while sleep "$(seconds $((lease / 3)))"; do
    answer=$(report '{"batch":"'"$batch"'","ids":[],"partial":true}')
    case $answer in *'not kept'*) kill "$job" ;; esac # 409: the batch is over
  done
}

exec 3< <(curl -sSN "$url/task?batchsize=1&batches=1")
while IFS= read -r -u 3 line; do
  case $line in
    ': batch='*) lease=${line##*lease=} ;;
    'id: '?*) batch=${line#id: } ;;
    'data: '*) msg=${line#data: } && break ;;
  esac
done
[ -n "${msg-}" ] || { echo "there is no batch" >&2 && exit 1; }
begin='^\{"id":"([0-9a-v]+)","period":([0-9]+)'
[[ $msg =~ $begin ]] && id=${BASH_REMATCH[1]} period=${BASH_REMATCH[2]}

job "$period" & job=$!
keep >/dev/null 2>&1 & keep=$!
{ cat <&3 >/dev/null && kill "$job"; } 2>/dev/null & watch=$! # the stream has ended before the job
wait "$job" || lost=1
kill "$keep" "$watch" 2>/dev/null
[ -z "${lost-}" ] || { echo "the batch is lost" >&2 && exit 1; }

# Sent again until it is answered; 409 (curl: 22) says that the work came too late.
until report '{"batch":"'"$batch"'","ids":["'"$id"'"]}'; do
  [ $? = 22 ] && exit 1
  sleep 1
done
