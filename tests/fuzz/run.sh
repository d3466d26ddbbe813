#!/bin/sh
# run.sh FUZZER CORPUS: every input of the corpus once, then for CUPEL_FUZZ_SECONDS on new inputs, which stay
# beside the fuzzer. What makes it crash is left there too, as <fuzzer>.crash-*.
set -eu
"$1" -runs=0 "$2"
if [ "${CUPEL_FUZZ_SECONDS:-0}" -gt 0 ]; then
    mkdir -p "$1.found"
    "$1" -max_total_time="$CUPEL_FUZZ_SECONDS" -artifact_prefix="$1." "$1.found" "$2"
fi
