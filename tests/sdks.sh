# Handlers that use the official CloudEvents SDKs, built once into target/sdks. To be sourced from the root of the
# repository.

# Builds one handler for each SDK unless PF_SDKS names a folder of them, and exports PF_SDKS: in it, each language has a
# folder with a program `handler`. They are built anew when their sources change.
build_sdk_handlers() {
    if [ -n "${PF_SDKS:-}" ]; then
        return 0
    fi
    export PF_SDKS="$PWD/target/sdks"
    local language
    for language in go python javascript; do
        build_sdk_handler "$language" || return 1
    done
}

build_sdk_handler() { # LANGUAGE
    local source="tests/sdks/$1" folder="$PF_SDKS/$1" sum
    sum=$(cat "$source"/* tests/sdks.sh | cksum) || return 1
    if [ -x "$folder/handler" ] && [ "$(cat "$folder/sources" 2>/dev/null)" = "$sum" ]; then
        return 0
    fi
    echo "building the handler for the CloudEvents SDK of $1"
    rm -rf "$folder"
    mkdir -p "$folder" && cp "$source"/* "$folder" || return 1
    if ! (cd "$folder" && "build_for_$1"); then
        echo "the CloudEvents SDK of $1 could not be fetched or built in $folder" >&2
        return 1
    fi
    echo "$sum" >"$folder/sources"
}

build_for_go() {
    GOWORK=off GOTOOLCHAIN=local twice go build -mod=readonly -o handler .
}

build_for_python() {
    # pip warns of other packages of the machine, which have nothing to do with these.
    twice python3 -m pip install --quiet --disable-pip-version-check --no-warn-script-location --require-hashes \
        --only-binary :all: --target lib --requirement requirements.txt 2>pip.log || { cat pip.log >&2; return 1; }
    write_launcher "$(python3 -c 'import sys; print(sys.executable)')" handler.py
}

build_for_javascript() {
    twice npm ci --fetch-timeout=60000 --loglevel=error --ignore-scripts --no-audit --no-fund || return 1
    write_launcher "$(node -p process.execPath)" handler.js
}

# Tests run handlers with a short PATH; the launcher knows its interpreter.
write_launcher() { # INTERPRETER SCRIPT
    printf '#!/bin/sh\nexec "%s" "%s" "$@"\n' "$1" "$PWD/$2" >handler && chmod +x handler
}
