# test.sh - the verb test of ./dev, which reads this file. Every part leaves JUnit XML in
# build/junit/, and tools/sum_tests.py adds them all up: its last line is "N passed, N failed, N skipped".
# shellcheck shell=sh

junit=build/junit

test_main() { # PART...
    rm -rf "$junit"
    mkdir -p "$junit"
    parts="format unit san fuzz $(pytest_folders)"
    # shellcheck disable=SC2086 # the parts are several words
    [ $# -gt 0 ] || set -- $parts
    broken=
    for part in "$@"; do
        printf '\n== %s\n' "$part"
        (test_part "$part") || broken="$broken $part"
    done
    echo
    # shellcheck disable=SC2086
    "$CUPEL_PYTHON" tools/sum_tests.py "$junit" $broken
}

test_part() { # PART
    case $1 in
    format) test_format ;;
    unit) test_meson build unit unit ;;
    san) test_san ;;
    fuzz) test_fuzz ;;
    coverage) test_coverage ;;
    *)
        [ -d "tests/$1" ] || die "there is no part '$1' among" "$parts"
        ninja_in build cupel tmdb-standin libcupel-chart.so test-tools && test_python "$1"
        ;;
    esac
}

pytest_folders() {
    for f in tests/*/test_*.py; do
        [ ! -f "$f" ] || basename "$(dirname "$f")"
    done | sort -u | tr '\n' ' '
}

test_format() {
    c_files | xargs clang-format-14 --dry-run -Werror 2>&1 | head -n 40 >"$junit/format.log"
    if [ -s "$junit/format.log" ]; then
        cat "$junit/format.log"
        echo "to mend it: ./dev format"
        return 1
    fi
    one_case format "clang-format"
}

one_case() { # NAME CASE: a report of one test that passed
    echo "<testsuites><testsuite name=\"$1\"><testcase name=\"$2\"/></testsuite></testsuites>" >"$junit/$1.xml"
}

test_meson() { # BUILD-FOLDER SUITE REPORT
    rm -f "$1/meson-logs/testlog.junit.xml"
    status=0
    meson test -C "$1" --suite "$2" --print-errorlogs --no-stdsplit || status=$?
    cp "$1/meson-logs/testlog.junit.xml" "$junit/$3.xml" && return "$status"
}

# The unit tests, and the program's own suites, on binaries that check addresses and undefined behaviour.
# Without warnings: what the checks add to the code makes gcc see ghosts, and the plain build has said all.
test_san() {
    configure build-san -Dc_args=-w -Db_sanitize=address,undefined -Db_lundef=false &&
        ninja_in build-san cupel tmdb-standin libcupel-chart.so test-tools &&
        place_libduckdb build-san || return
    broken_suites=
    test_meson build-san unit san || broken_suites=unit
    export ASAN_OPTIONS=handle_segv=2:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    for suite in standin e2e; do
        [ ! -d "tests/$suite" ] || CUPEL_BUILD=$PWD/build-san test_python "$suite" san- || broken_suites=$suite
    done
    [ -z "$broken_suites" ]
}

# Which lines of the lake run in any test; only when it is asked for, since it runs nearly all of them once more.
test_coverage() {
    configure build-cov -Db_coverage=true -Dc_args=-w -Doptimization=0 &&
        ninja_in build-cov cupel tmdb-standin libcupel-chart.so test-tools && place_libduckdb build-cov || return
    find build-cov -name '*.gcda' -delete
    broken_suites=
    test_meson build-cov unit cov || broken_suites=unit
    for suite in e2e store torture; do
        [ ! -d "tests/$suite" ] || CUPEL_BUILD=$PWD/build-cov test_python "$suite" cov- || broken_suites=$suite
    done
    "$CUPEL_PYTHON" tools/coverage.py build-cov lake store
    [ -z "$broken_suites" ]
}

# Each fuzzer over its corpus, then for CUPEL_FUZZ_SECONDS on inputs of its own making.
test_fuzz() {
    ls tests/fuzz/fuzz_*.c >/dev/null 2>&1 || {
        echo "there are no fuzzers yet"
        return
    }
    CC=clang-14 configure build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false &&
        test_meson build-fuzz fuzz fuzz
}

test_python() { # FOLDER [PREFIX]: pytest on tests/FOLDER with the binaries of $CUPEL_BUILD
    built=${CUPEL_BUILD:-$PWD/build}
    # File by file on two cores; what kills, races and measures has them for itself.
    side_by_side=
    case $1 in e2e | chart | standin) side_by_side="-n 2 --dist loadfile" ;; esac
    CUPEL=$built/cupel TMDB_STANDIN=$built/tmdb-standin CUPEL_BUILD=$built PYTHONDONTWRITEBYTECODE=1 \
        "$CUPEL_PYTHON" -m pytest -q -p no:cacheprovider $side_by_side \
        --junitxml="$junit/${2:-}$1.xml" -o junit_suite_name="${2:-}$1" "tests/$1"
}
