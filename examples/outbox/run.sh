#!/usr/bin/env bash
# A small shop with a transactional outbox: PostgreSQL, `pf outbox relay`, Kafka, and a consumer that handles each event once.
#
#   examples/outbox/run.sh              with a new PostgreSQL and a new Kafka, and removes both afterwards
#   KAFKA=host:port examples/outbox/run.sh     with a Kafka that runs already, under a prefix of its own
#   ORDERS=1000 examples/outbox/run.sh         with more orders than 200
#   DEDUP= examples/outbox/run.sh              with a consumer that relies on the mailer's inbox alone
#   examples/outbox/run.sh --prepare    only installs the Python driver, into target/examples
#
# PF names the program, by default the one that was built last. It needs Python 3.10, PostgreSQL and, without KAFKA, Java.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

# How many orders are placed. A tenth of the payments is declined.
orders=${ORDERS:-200}
# What keeps the consumer from handling an event twice that is stored twice. The mailer's inbox does the same for its mails.
dedup=${DEDUP---dedup}
pf=${PF:-}
for built in "$root/target/release/pf" "$root/target/debug/pf"; do
    [ -n "$pf" ] || [ ! -x "$built" ] || pf=$built
done

# The driver, with the versions and hashes of requirements.txt.
lib=$root/target/examples/outbox
sum=$(cksum <"$here/requirements.txt")
if [ "$(cat "$lib/installed" 2>/dev/null)" != "$sum" ]; then
    rm -rf "$lib"
    mkdir -p "$lib"
    python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes \
        --only-binary :all: --target "$lib" --requirement "$here/requirements.txt" 2>"$lib/log" ||
        { cat "$lib/log" >&2; exit 1; }
    echo "$sum" >"$lib/installed"
fi
[ "${1:-}" != --prepare ] || exit 0
[ -n "$pf" ] || { echo "build pf first: cargo build --features full" >&2; exit 1; }
export PYTHONPATH=$lib PYTHONDONTWRITEBYTECODE=1

work=$(mktemp -d)
relay= consumer= shop= broker=
# Ends what was started. What has not ended after ten seconds is killed, and so is a relay that stands still.
end() {
    trap '' INT TERM
    local children="$shop $consumer $relay $broker" child deadline=$((SECONDS + 10))
    for child in $children; do kill "$child" 2>/dev/null || true; done
    [ -z "$relay" ] || kill -CONT "$relay" 2>/dev/null || true
    for child in $children; do
        while kill -0 "$child" 2>/dev/null; do
            [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$child" 2>/dev/null || true
            sleep 0.1
        done
    done
    [ ! -d "$work/data" ] || postgres pg_ctl -D "$work/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Waits until a command succeeds, for at most two minutes.
until_true() { # WHAT COMMAND...
    local what=$1 end=$((SECONDS + 120))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$end" ]; then
            echo "$what did not happen; what was written meanwhile:" >&2
            tail -n 20 "$work"/*.log >&2
            exit 1
        fi
        sleep 0.2
    done
}

# PostgreSQL, on a socket in a folder of its own. It refuses to run as root.
postgres() { # PROGRAM ARGUMENT...
    local program
    program=$(command -v "$1" || ls /usr/lib/postgresql/*/bin/"$1" | tail -n 1)
    shift
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u postgres -- "$program" "$@")
    else
        "$program" "$@"
    fi
}
chmod 755 "$work"
[ "$(id -u)" != 0 ] || chown postgres "$work"
postgres initdb -D "$work/data" -A trust -U postgres --no-sync -E UTF8 >/dev/null
postgres pg_ctl -D "$work/data" -w -l "$work/postgres.log" \
    -o "-c listen_addresses= -c unix_socket_directories=$work" start >/dev/null
socket=$work/.s.PGSQL.5432
database() { echo "postgres:///postgres?host=$work&user=$1"; }
sql() { postgres psql -h "$work" -U postgres -d postgres -qAt -v ON_ERROR_STOP=1 "$@"; }

sql <"$here/schema.sql"
"$pf" outbox create --in "$(database postgres)" --print | sql
"$pf" inbox create --in "$(database postgres)" --print | sql

# Kafka.
if [ -z "${KAFKA:-}" ]; then
    cd "$root"
    . tests/brokers.sh
    fetch_kafka
    . examples/outbox/kafka.sh
    start_kafka "$PF_KAFKA" "$work/kafka" 2>"$work/kafka.log"
    KAFKA=127.0.0.1:$port
    cd - >/dev/null
fi
store="kafka://$KAFKA/?prefix=shop-$$."

start_relay() {
    "$pf" outbox relay --from "$(database pf_relay)" --to "$store" --create --lease 2s 2>>"$work/relay.log" >&2 &
    relay=$!
}
start_relay
# shellcheck disable=SC2086 # an empty one is no argument
"$pf" consume orders --url "$store" --group mailer --create $dedup --worker \
    -- python3 "$here/mailer.py" "$socket" 2>"$work/consumer.log" >&2 &
consumer=$!

# The shop runs in two halves. In the second, the relay stands still until rows wait for it, and is killed when it has just
# gone on: then it has read or published some of them, and another relay must find out which.
python3 "$here/shop.py" "$socket" 0 "$((orders / 2))"
some_mails() { [ "$(sql -c 'SELECT count(*) FROM mails')" -gt "$((orders / 4))" ]; }
until_true "the first mails" some_mails
kill -STOP "$relay"
python3 "$here/shop.py" "$socket" "$((orders / 2))" "$orders" &
shop=$!
waiting() { sql -c 'SELECT count(*) FROM pf_outbox'; }
some_wait() { [ "$(waiting)" -ge "$((orders / 10))" ]; }
until_true "rows that wait for the relay" some_wait
kill -CONT "$relay"
kill -KILL "$relay"
wait "$relay" 2>/dev/null || true
left=$(waiting)
[ "$left" -gt 0 ] || { echo "the relay was killed when nothing was left to do" >&2; exit 1; }
echo "relay: killed while $left rows waited, and started again"
start_relay
wait "$shop"
shop=

committed=$((orders + $(sql -c "SELECT count(*) FROM orders WHERE state = 'paid'")))
all_mails() { [ "$(sql -c 'SELECT count(*) FROM mails')" -ge "$committed" ]; }
until_true "a mail for each event" all_mails
emptied() { [ "$(sql -c 'SELECT count(*) FROM pf_outbox')" = 0 ]; }
until_true "an empty outbox" emptied

"$pf" tail orders --url "$store" --until-end -o json 2>/dev/null >"$work/stored"
python3 - "$work/stored" <<'PYTHON'
import json
import sys

events = [json.loads(line)["event"] for line in open(sys.argv[1])]
ids = {event["id"] for event in events}
print(f"kafka: {len(events)} events stored, {len(events) - len(ids)} of them twice")
PYTHON
echo "mailer: $(sql -c 'SELECT count(*) FROM mails') mails, $(sql -c \
    'SELECT count(*) - count(DISTINCT (customer, text)) FROM mails') of them twice"
early=$(sql -c "SELECT count(*) FROM mails paid JOIN mails placed USING (customer)
    WHERE paid.text LIKE 'order.paid%' AND placed.text LIKE 'order.placed%' AND paid.id < placed.id")
echo "mailer: $early orders were paid before they were placed"
"$pf" doctor --in "$(database postgres)" 2>/dev/null
