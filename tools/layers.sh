#!/bin/sh
# layers.sh - a file of src/ includes only its own folder and lower ones (ARCHITECTURE.md), and no source
# or test is forgotten in the lists of the build. Prints each offence and fails if there is any.
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
    chart) echo "$(allowed asset) chart" ;;
    page) echo "$(allowed chart) page" ;;
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
    for file in src/*/*.c tests/unit/*/t_*.c tests/fuzz/fuzz_*.c; do
        name=$(basename "$file") list=$(dirname "$file")/meson.build
        case $file in
        tests/unit/*) name=${name#t_} name=${name%.c} list=tests/unit/meson.build ;;
        tests/fuzz/*) name=${name#fuzz_} name=${name%.c} ;;
        esac
        grep -q "'$name'" "$list" 2>/dev/null || echo "$file: not in $list"
    done
)
[ -z "$bad" ] || { echo "$bad"; exit 1; }
