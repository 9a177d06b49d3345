#!/usr/bin/env bash
# Starts a broker once to archive the classes that it loads, which saves every other start a part of its work.
#
#   tests/support/pulsar/warm.sh PULSAR    PULSAR has the folder `jars`, and gets `classes.jsa`
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

work=$(mktemp -d)
broker=
trap '[ -z "$broker" ] || kill -KILL "$broker" 2>/dev/null; rm -rf "$work"' EXIT

read -r port web < <(python3 - <<'PYTHON'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(taken.getsockname()[1] for taken in sockets))
PYTHON
)
cat >"$work/settings" <<SETTINGS
brokerServicePort=$port
webServicePort=$web
bindAddress=127.0.0.1
advertisedAddress=127.0.0.1
clusterName=standalone
managedLedgerDefaultEnsembleSize=1
managedLedgerDefaultWriteQuorum=1
managedLedgerDefaultAckQuorum=1
loadBalancerEnabled=false
SETTINGS
"$here/start.sh" "$PWD" "$work" "-XX:ArchiveClassesAtExit=$work/classes" >>"$work/log" 2>&1 &
broker=$!
healthy() {
    exec 3<>"/dev/tcp/127.0.0.1/$web" || return 1
    printf 'GET /admin/v2/brokers/health HTTP/1.0\r\n\r\n' >&3
    grep -q '^ok' <&3
}
until (healthy) 2>/dev/null; do
    kill -0 "$broker" 2>/dev/null || { tail -n 20 "$work/log" >&2; exit 1; }
    sleep 0.2
done
kill "$broker"
wait "$broker" || true
broker=
cp "$work/classes" classes.new
mv -f classes.new classes.jsa
