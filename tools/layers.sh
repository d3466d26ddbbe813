#!/bin/sh
# layers.sh - a file of src/ includes only its own folder and lower ones (ARCHITECTURE.md).
# Prints each offence as file:line and fails if there is any.
set -eu
cd "$(dirname "$0")/.."

allowed() {
    case $1 in
    base) echo base ;;
    net) echo base net ;;
    rows) echo base rows ;;
    store) echo base net rows store ;;
    lake) echo "$(allowed store) lake" ;;
    engine) echo "$(allowed lake) engine" ;;
    connector) echo "$(allowed engine) connector" ;;
    project) echo "$(allowed connector) project" ;;
    asset) echo "$(allowed project) asset" ;;
    page) echo "$(allowed asset) page" ;;
    run) echo "$(allowed page) run" ;;
    serve) echo "$(allowed run) serve" ;;
    cli) echo "$(allowed serve) cli" ;;
    *) allowed cli ;;
    esac
}

bad=$(
    for dir in src src/*/; do
        layer=$(basename "$dir")
        known=" $(allowed "$layer") nanoarrow "
        grep -n '^ *# *include "' "$dir"/*.[ch] 2>/dev/null | sed 's|//|/|' |
            while IFS= read -r line; do
                path=${line#*\"} path=${path%%\"*}
                case $known in
                *" ${path%%/*} "*) ;;
                *) echo "${line%%:#*}: $path is not below $layer" ;;
                esac
            done
    done
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
