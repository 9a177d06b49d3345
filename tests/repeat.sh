# Repeats tests. Sourced from the root of the repository; the array `test` holds the command.
#
# The result of binary B in round R is the file R.B.ok, or R.B.failed with its output, in a folder under target/repeat that
# is named after the current sources.

# Runs each binary the given number of times and prints a summary; fails if any run failed.
repeat() { # ROUNDS [BINARY...]
    local rounds=$1 round name state
    shift
    [ $# -gt 0 ] || set -- $(every_binary)
    for name in "$@"; do
        selected "$name" >/dev/null || { echo "there is no test binary $name" >&2; return 2; }
    done
    state="target/repeat/$(sources)${PF_TEST_LONG:+-long}"
    mkdir -p "$state"
    start_busy_loops
    for ((round = 1; round <= rounds; round++)); do
        for name in "$@"; do
            run_once "$state/$round.$name" "$name" "round $round of $rounds: $name"
        done
    done
    stop_busy_loops
    sum_up "$state" "$rounds" "$@"
}

every_binary() {
    local path
    echo lib pf doc
    for path in tests/*.rs tests/*/main.rs; do
        path=${path#tests/} path=${path%/main.rs}
        echo "${path%.rs}"
    done
}

# Prints the arguments that select a binary, if it exists.
selected() { # BINARY
    case "$1" in
        lib) echo --lib ;;
        pf) echo --bin pf ;;
        doc) echo --doc ;;
        *) [ -f "tests/$1.rs" ] || [ -f "tests/$1/main.rs" ] || return 1; echo --test "$1" ;;
    esac
}

# Prints a hash of the current sources, uncommitted changes included.
sources() {
    { git rev-parse HEAD; git diff HEAD; git ls-files --others --exclude-standard | sort | xargs -r cat; } |
        git hash-object --stdin | cut -c 1-12
}

# Runs a binary unless its result is there. An interrupted run leaves none.
run_once() { # FILE BINARY TITLE
    [ ! -e "$1.ok" ] && [ ! -e "$1.failed" ] || return 0
    # shellcheck disable=SC2046
    if "${test[@]}" --offline $(selected "$2") >"$1.running" 2>&1; then
        mv "$1.running" "$1.ok"
        : >"$1.ok"
    else
        mv "$1.running" "$1.failed"
        echo "$3 FAILED, see $1.failed"
    fi
}

start_busy_loops() {
    local loop
    loops=()
    for loop in 1 2; do
        while :; do :; done &
        loops[loop]=$!
    done
    trap stop_busy_loops EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

stop_busy_loops() {
    kill "${loops[@]}" 2>/dev/null || true
    loops=()
}

sum_up() { # STATE ROUNDS BINARY...
    local state=$1 rounds=$2 name round failed total=0
    shift 2
    for name in "$@"; do
        failed=()
        for ((round = 1; round <= rounds; round++)); do
            [ ! -e "$state/$round.$name.failed" ] || failed+=("$round")
        done
        printf '%-14s %3d of %d passed' "$name" $((rounds - ${#failed[@]})) "$rounds"
        if [ ${#failed[@]} -gt 0 ]; then
            printf '; failed in round %s' "${failed[*]}"
            total=$((total + ${#failed[@]}))
        fi
        echo
        for round in ${failed[@]+"${failed[@]}"}; do
            sed -n 's/^test \(.*\) \.\.\. FAILED$/    \1/p' "$state/$round.$name.failed"
        done | sort | uniq -c
    done
    [ "$total" = 0 ]
}
