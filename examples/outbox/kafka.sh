# Starts a Kafka broker of one node on free ports. Sourced by bash scripts.

# Formats the folder WORK and starts a broker of the jars in KAFKA on it, with further arguments of Java. Sets `broker`, its
# process, and `port`, and returns once it listens. Fails if it does not within a minute.
start_kafka() { # KAFKA WORK [ARGUMENT...]
    local jars="$1/jars/*" work=$2 controller id deadline
    shift 2
    mkdir -p "$work"
    read -r port controller < <(python3 - <<'PYTHON'
import socket

sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(taken.getsockname()[1] for taken in sockets))
PYTHON
    )
    cat >"$work/settings" <<SETTINGS
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
controller.listener.names=CONTROLLER
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.dirs=$work/data
SETTINGS
    id=$(java -cp "$jars" kafka.tools.StorageTool random-uuid 2>>"$work/log") || return 1
    java -cp "$jars" kafka.tools.StorageTool format --cluster-id "$id" --config "$work/settings" \
        >>"$work/log" 2>&1 || return 1
    java -XX:+UseSerialGC "$@" -cp "$jars" kafka.Kafka "$work/settings" >>"$work/log" 2>&1 &
    broker=$! deadline=$((SECONDS + 60))
    until (: <>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        kill -0 "$broker" 2>/dev/null && [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}
