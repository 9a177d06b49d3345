#!/usr/bin/env bash
# Formats a data folder and starts a broker on it once, to keep what every other start needs.
#
#   tests/support/kafka/warm.sh KAFKA    KAFKA has the folder `jars`, and gets `bootstrap.checkpoint` and `classes.jsa`
set -euo pipefail
cd "$1"

work=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill -KILL "$broker" 2>/dev/null; rm -rf "$work"' EXIT

read -r port controller < <(python3 - <<'PYTHON'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(taken.getsockname()[1] for taken in sockets))
PYTHON
)
cat >settings.new <<SETTINGS
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
log.dirs=$work/data
SETTINGS
mv settings.new "$work/settings"

tool() { java -cp "$PWD/jars/*" kafka.tools.StorageTool "$@" 2>>"$work/log"; }
fail() { tail -n 20 "$work/log" >&2; exit 1; }

id=$(tool random-uuid) || fail
tool format --cluster-id "$id" --config "$work/settings" >>"$work/log" || fail

java -XX:+UseSerialGC -XX:ArchiveClassesAtExit="$work/classes" -cp "$PWD/jars/*" kafka.Kafka "$work/settings" \
    >>"$work/log" 2>&1 &
broker=$!
until (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$broker" 2>/dev/null || fail
    sleep 0.1
done
kill "$broker"
wait "$broker" || true
broker=

cp "$work/data/bootstrap.checkpoint" .
cp "$work/classes" classes.new
mv -f classes.new classes.jsa
