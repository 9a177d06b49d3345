# Installs what a machine lacks. Sourced by bash scripts.

# Runs a program again if it fails or takes more than ten minutes: what hangs must not hang the tests.
twice() { # PROGRAM ARGUMENT...
    local limit=()
    ! command -v timeout >/dev/null || limit=(timeout --foreground --kill-after 20 600)
    ${limit[@]+"${limit[@]}"} "$@" || ${limit[@]+"${limit[@]}"} "$@"
}

# Installs a package unless a command works.
need() { # COMMAND PACKAGE [PACKAGE OF HOMEBREW]
    eval "$1" >/dev/null 2>&1 && return
    echo "installing $2, for $1"
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    if command -v apt-get >/dev/null; then
        [ -n "${is_updated:-}" ] || $sudo apt-get update -qq
        is_updated=1
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
    elif command -v brew >/dev/null; then
        brew install "${3:-$2}"
    fi
    eval "$1" >/dev/null 2>&1 || { echo "tests need $2: install it and try again" >&2; exit 1; }
}

# What a build of every feature needs besides Rust: librdkafka is compiled from source and linked to the system's OpenSSL.
need_for_building() {
    command -v cargo >/dev/null || { echo "tests need Rust: install it with rustup and try again" >&2; exit 1; }
    need "cc --version" gcc
    need "c++ --version" g++ gcc
    need "make --version" make
    need "pkg-config --version" pkg-config pkgconf
    need "pkg-config --exists openssl || brew --prefix --installed openssl@3" libssl-dev openssl@3
}

# What a build of the tests needs besides: the raw client of Pulsar compiles the protocol's definition.
need_for_tests() {
    need_for_building
    need "protoc --version" protobuf-compiler protobuf
}

# What downloading a nats-server needs.
need_for_nats() {
    [ -n "${PF_NATS_SERVER:-}" ] || need "python3 -m pip --version" python3-pip python
}

# What running Kafka and Pulsar, downloading them, and building Pulsar's clients needs.
need_for_java() {
    need "java -version" default-jre-headless openjdk
    [ -n "${PF_PULSAR_CLIENTS:-}" ] || need "javac -version" default-jdk-headless openjdk
    [ -n "${PF_PULSAR_CLIENTS:-}" ] || need "python3 -m pip --version" python3-pip python
    [ -n "${PF_KAFKA:-}" ] && [ -n "${PF_PULSAR:-}" ] || need "mvn --version" maven
    local version
    version=$(java -XshowSettings:properties -version 2>&1 | sed -n 's/.*java.specification.version = //p')
    need_version Java 17 "$version"
}

# What the tests of outboxes need: a PostgreSQL whose programs need not be on the PATH, a pooler, and the driver of the
# example.
need_for_outboxes() {
    need "python3 -m pip --version" python3-pip python
    need "ls /usr/lib/postgresql/*/bin/initdb || initdb --version" postgresql
    need "openssl version" openssl
    need "ls /usr/sbin/pgbouncer || pgbouncer --version" pgbouncer
}

# What the CloudEvents SDKs for Go, Python and JavaScript need.
need_for_sdks() {
    [ -z "${PF_SDKS:-}" ] || return 0
    need "go version" golang-go go
    need "python3 -m pip --version" python3-pip python
    need "node --version" nodejs node
    need "npm --version" npm node
    need_version Go 1.23 "$(go env GOVERSION | sed 's/^go//')"
    need_version Python 3.10 "$(python3 -c 'import platform; print(platform.python_version())')"
    need_version Node.js 20 "$(node --version | sed 's/^v//')"
}

need_version() { # NAME OLDEST PRESENT
    [ "$(printf '%s\n' "$2" "$3" | sort -V | head -n 1)" = "$2" ] ||
        { echo "tests need $1 $2 or newer, this is $3" >&2; exit 1; }
}
