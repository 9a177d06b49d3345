# What the first start of a broker shares. Sourced by the `warm.sh` of each broker, which sets `work`, its temporary folder.
#
# A broker that hangs must not hang the tests: each wait here ends.

broker=
trap '[ -z "$broker" ] || kill -KILL "$broker" 2>/dev/null; rm -rf "$work"' EXIT

# Prints two ports that are free.
free_ports() {
    python3 - <<'PYTHON'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(taken.getsockname()[1] for taken in sockets))
PYTHON
}

fail() { # REASON
    echo "the first start of a broker failed: $1" >&2
    tail -n 20 "$work/log" >&2
    exit 1
}

# Waits until a command succeeds, for two minutes at most.
wait_until() { # COMMAND...
    local deadline=$((SECONDS + 120))
    until ("$@") 2>/dev/null; do
        kill -0 "$broker" 2>/dev/null || fail "it ended"
        [ "$SECONDS" -lt "$deadline" ] || fail "it does not answer"
        sleep 0.1
    done
}

# Stops the broker, which archives its classes as it ends.
stop() {
    local deadline=$((SECONDS + 60))
    kill "$broker"
    while kill -0 "$broker" 2>/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || fail "it does not end"
        sleep 0.1
    done
    broker=
}
