# For the scripts beside it: runs commands as steps, and tells in the end how long each took.

# Neither is of use to who only wants to know whether all of it holds, and both take their time.
export CARGO_INCREMENTAL="${CARGO_INCREMENTAL:-0}" CARGO_PROFILE_DEV_DEBUG="${CARGO_PROFILE_DEV_DEBUG:-0}"

took=()

step() {
    printf '\n> %s\n' "$*"
    local begun=$SECONDS
    "$@"
    if [ $((SECONDS - begun)) -gt 0 ]; then
        took+=("$(printf '%5d s  %.100s' $((SECONDS - begun)) "$*")")
    fi
}

# Of those that took a second, and of the whole.
times() {
    printf '\n'
    printf '%s\n' "${took[@]}"
    printf '%5d s  %s\n' "$SECONDS" "$0"
}
