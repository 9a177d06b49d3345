#!/usr/bin/env bash
# Formats a data folder and starts a broker on it once, to keep what every other start needs.
#
#   tests/support/kafka/warm.sh KAFKA    KAFKA has the folder `jars`, and gets `bootstrap.checkpoint` and `classes.jsa`
set -euo pipefail
work=$(mktemp -d)
. "$(dirname "$0")/../warm.sh"
cd "$1"

read -r port controller < <(free_ports)
cat >"$work/settings" <<SETTINGS
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$work/data
SETTINGS

tool() { java -cp "$PWD/jars/*" kafka.tools.StorageTool "$@" 2>>"$work/log"; }
id=$(tool random-uuid) || fail "no cluster id"
tool format --cluster-id "$id" --config "$work/settings" >>"$work/log" || fail "no data folder"

java -XX:+UseSerialGC -XX:ArchiveClassesAtExit="$work/classes" -cp "$PWD/jars/*" kafka.Kafka "$work/settings" \
    >>"$work/log" 2>&1 &
broker=$!
listens() { : <>"/dev/tcp/127.0.0.1/$port"; }
wait_until listens
stop

cp "$work/data/bootstrap.checkpoint" .
cp "$work/classes" classes.new
mv -f classes.new classes.jsa
