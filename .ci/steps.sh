# For the scripts beside it: `run` prints a command, runs it and notes how long it took; `times` lists the notes.

# Incremental data only helps someone who edits. Debug information is as a user has it: reports print lines from it.
export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}"

took=()

run() {
    printf '\n> %s\n' "$*"
    local begun=$SECONDS
    "$@"
    note $((SECONDS - begun)) "$*"
}

# note SECONDS WHAT: remembers what took a second or more.
note() {
    if [ "$1" -gt 0 ]; then
        took+=("$(printf '%5d s  %.100s' "$1" "$2")")
    fi
}

times() {
    printf '\n'
    [ ${#took[@]} -eq 0 ] || printf '%s\n' "${took[@]}"
    printf '%5d s  %s\n' "$SECONDS" "$0"
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install PACKAGE...: Debian's packages of these names.
install() {
    run as_root apt-get update
    run as_root apt-get install --yes --no-install-recommends "$@"
}
