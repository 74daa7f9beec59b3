#!/usr/bin/env bash
# Has eight processes with one key make calls, who share its rate limit through Redis, against an emulator of the fastest plan, from a full bucket.
# Prints the seconds that they took, the calls that were made, and those that were refused.
#
#   bench/fleet.sh BUILD_DIRECTORY CALLS_OF_EACH
set -euo pipefail
host=$1/bin/gitdev calls=$2
root=$(mktemp -d)
children=()

clean_up() {
  local child
  for child in "${children[@]}"; do
    kill "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  done
  rm -rf "$root"
}
trap clean_up EXIT
trap 'exit 143' INT TERM

# Waits until a file has something in it.
await() {
  for _ in {1..500}; do
    [[ -s $1 || -S $1 ]] && return
    sleep 0.02
  done
  echo "fleet: $2 did not start" >&2
  exit 1
}

setpriv --pdeathsig TERM redis-server --port 0 --unixsocket "$root/redis" --save "" --appendonly no --dir "$root" >"$root/log" &
children+=($!)
setpriv --pdeathsig TERM "$host" emulator --plan enterprise >"$root/emulator.json" &
children+=($!)
await "$root/redis" redis-server
await "$root/emulator.json" "the emulator"
value() {
  sed -n "1s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$root/emulator.json"
}
GIT_API_KEY=$(value api_key) GIT_API_URL=$(value url) GIT_CA_FILE=$(value ca_file)
export GIT_API_KEY GIT_API_URL GIT_CA_FILE

members=()
began=$EPOCHREALTIME
for _ in {1..8}; do
  setpriv --pdeathsig TERM "$host" bench/sdk/fleet.lua "$root/redis" "$calls" >>"$root/made" &
  members+=($!)
done
for member in "${members[@]}"; do
  wait "$member"
done
ended=$EPOCHREALTIME
awk -v began="$began" -v ended="$ended" '{ made += $1; refused += $2 } END { print ended - began, made, refused }' "$root/made"
