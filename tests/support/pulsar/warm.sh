#!/usr/bin/env bash
# Starts a broker once to archive the classes that it loads, which saves every other start a part of its work.
#
#   tests/support/pulsar/warm.sh PULSAR    PULSAR has the folder `jars`, and gets `classes.jsa`
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
. "$here/../warm.sh"
cd "$1"

read -r port web < <(free_ports)
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
is_healthy() {
    exec 3<>"/dev/tcp/127.0.0.1/$web" || return 1
    printf 'GET /admin/v2/brokers/health HTTP/1.0\r\n\r\n' >&3
    local line
    # A broker may take the request and never answer it.
    while IFS= read -r -t 10 line <&3 || [ -n "$line" ]; do
        [ "$line" != ok ] || return 0
    done
    return 1
}
wait_until is_healthy
stop

cp "$work/classes" classes.new
mv -f classes.new classes.jsa
