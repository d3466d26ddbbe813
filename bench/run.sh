#!/bin/sh
# bench/run.sh [w1|w1x20|w2|start|lake|plots|html]... [-n ROUNDS]: cupel beside its peers, in turn, on the same work.
#
#   w1     6,231 films: NDJSON -> bronze -> silver -> gold -> report (bench/peers/w1/SPEC.md)
#   w1x20  124,620 films (without pandas, which needs more than 16 GB for it)
#   w2     1,713 films over HTTP, 50 ms a request, five at once: ours against a Go client
#   start  cupel --help, validate and plan on the movies project
#   plots  the movies project's eight plots of 4,795 films as PNG: ours against matplotlib and seaborn, on the same tables
#   html   how soon Chromium shows the plots page and its first chart
#   lake   the lake beside delta-rs and DuckDB's delta extension: open, append, optimize, merge (bench/lake)
#
# Results are appended to bench/out/results.jsonl; bench/peers/summarise.py makes a table of them. PEERS chooses
# the peers of w1 (default: duckdb polars pandas dbt; and spark, which needs Java 17 and Maven); each is
# installed into bench/out/env at its first use.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/.." && pwd)
shared=${CUPEL_SHARED:-$root/../shared}
out=$here/out
cupel=$root/build/cupel
peers=${PEERS:-duckdb polars pandas dbt}
rounds=3
mkdir -p "$out/logs"

measure() { # LABEL COMMAND...
    label=$1
    shift
    "$here/peers/quiet.sh" 60 >/dev/null
    "$here/peers/measure.py" -l "$label" -o "$out/results.jsonl" --log "$out/logs/$label.log" -- "$@" || true
}

venv() { # NAME PACKAGE...
    name=$1
    shift
    [ -f "$out/env/$name/complete" ] || {
        python3 -m venv "$out/env/$name"
        "$out/env/$name/bin/pip" install -q "$@"
        : >"$out/env/$name/complete"
    }
}

spark_jars() { # Delta for Spark, by Maven, beside the jars that Spark brings
    [ -f "$out/env/jars-delta/complete" ] || {
        mvn -q -B -f "$here/peers/env/delta-pom.xml" \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime \
            -DincludeGroupIds=io.delta,io.unitycatalog -DoutputDirectory="$out/env/jars-delta"
        : >"$out/env/jars-delta/complete"
    }
}

w1_ours() { # INPUT OUT
    rm -rf "$2"
    mkdir -p "$2"
    cp -r "$here/w1/cupel.yaml" "$here/w1/models" "$here/w1/pages" "$2"
    sed -i "s#^vars:.*#vars: {input: $1}#" "$2/cupel.yaml"
    cat >"$2/go.sh" <<END
set -e
'$cupel' -C '$2' run
'$cupel' -C '$2' render report --to txt --out '$2/out'
END
}

w1() { # TAG COPIES
    in=$out/movies_$1.ndjson
    [ -f "$in" ] || python3 "$here/w1/data.py" "$shared/data/movies" "$in" "$2"
    venv main polars deltalake duckdb==1.5.5 pandas pyarrow
    case " $peers " in *" dbt "*) venv dbt 'dbt-core<1.12' dbt-duckdb duckdb==1.5.5 ;; esac
    case " $peers " in *" spark "*) venv spark pyspark==4.1.1 && spark_jars ;; esac
    round=0
    while [ $round -lt "$rounds" ]; do
        w1_ours "$in" "$out/w1-$1-cupel"
        measure "w1-$1-cupel" sh "$out/w1-$1-cupel/go.sh"
        for peer in $peers; do
            o=$out/w1-$1-$peer
            case $peer in
            duckdb) measure "w1-$1-duckdb" "$out/env/main/bin/python" "$here/peers/w1/duckdb_movies.py" "$in" "$o" 2 ;;
            polars | pandas) measure "w1-$1-$peer" "$out/env/main/bin/python" "$here/peers/w1/${peer}_movies.py" "$in" "$o" ;;
            spark) measure "w1-$1-spark" env SPARK_LOCAL_IP=127.0.0.1 "$out/env/spark/bin/python" "$here/peers/w1/spark_movies.py" "$in" "$o" "$out/env/jars-delta" ;;
            dbt) measure "w1-$1-dbt" "$here/peers/w1/dbt_movies.sh" "$out/env/dbt/bin/dbt" "$in" "$o" ;;
            esac
        done
        round=$((round + 1))
    done
    "$here/w1/agree.py" "$cupel" "$out/w1-$1-cupel" "$out/w1-$1-duckdb"
}

w2() {
    command -v go >/dev/null || { echo "w2 needs go" >&2; return; }
    [ -x "$out/go-client" ] || (cd "$here/peers/w2/go" && go build -o "$out/go-client" ./client)
    zstd -dcq "$shared/data/movies/tmdb_5000.ndjson.zst" | head -n 1713 >"$out/films_1713.ndjson"
    python3 -c 'import json,sys
for l in open(sys.argv[1]): print(json.loads(l)["id"])' "$out/films_1713.ndjson" >"$out/ids.txt"
    "$root/build/tmdb-standin" --port 0 --latency 50 --data "$out/films_1713.ndjson" >"$out/standin.out" &
    server=$!
    trap 'kill $server 2>/dev/null || true' EXIT
    sleep 1
    base=$(sed -n 's/^listening on //p' "$out/standin.out")
    round=0
    while [ $round -lt "$rounds" ]; do
        rm -rf "$out/w2-cupel"
        cp -r "$here/w2" "$out/w2-cupel"
        ids=$(paste -sd, "$out/ids.txt")
        measure w2-cupel env TMDB_BASE_URL="$base" "$cupel" -C "$out/w2-cupel" run --var ids="$ids"
        measure w2-go "$out/go-client" "${base%/3}" "$out/ids.txt" "$out/w2-go.ndjson" 5
        round=$((round + 1))
    done
    kill $server
    trap - EXIT
}

start() {
    for command in "--help" "-C $root/projects/movies validate" "-C $root/projects/movies plan"; do
        # shellcheck disable=SC2086 # several words
        python3 - "$cupel" $command <<'END'
import os, statistics, subprocess, sys, time
t = []
env = dict(os.environ, TMDB_API_KEY="x")
for _ in range(40):
    a = time.perf_counter()
    subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    t.append((time.perf_counter() - a) * 1e3)
print(f"cupel {sys.argv[-1]}: median {statistics.median(t):.1f} ms, min {min(t):.1f}, max {max(t):.1f} of 40")
END
    done
}

films() { # the movies project with 4,795 films, in out/films
    [ ! -f "$out/films/complete" ] || { cp "$root"/projects/movies/pages/* "$out/films/pages"; return; }
    rm -rf "$out/films"
    cp -r "$root/projects/movies" "$out/films"
    "$root/build/tmdb-standin" --port 0 --data "$shared/data/movies/tmdb_5000.ndjson.zst" >"$out/standin.out" &
    server=$!
    trap 'kill $server 2>/dev/null || true' EXIT
    sleep 2
    TMDB_BASE_URL=$(sed -n 's/^listening on //p' "$out/standin.out") TMDB_API_KEY=x TMDB_RATE_LIMIT=0 \
        "$cupel" -C "$out/films" run --var pages=500 >"$out/logs/films.log" 2>&1
    kill $server
    trap - EXIT
    : >"$out/films/complete"
}

plots_venv() {
    venv plots deltalake==1.6.6 duckdb==1.5.5 pandas==3.1.1 matplotlib==3.11.2 seaborn==0.13.2 pytest==9.2.0
}

plots() {
    films
    plots_venv
    round=0
    while [ $round -lt "$rounds" ]; do
        measure plots-cupel env TMDB_API_KEY=x "$cupel" -C "$out/films" render plots --to png --out "$out/plots-cupel"
        measure plots-seaborn "$out/env/plots/bin/python" "$here/peers/plots/seaborn_plots.py" "$out/films" "$out/plots-seaborn"
        round=$((round + 1))
    done
}

html() {
    films
    plots_venv
    TMDB_API_KEY=x "$cupel" -C "$out/films" render plots --to html --out "$out/html" >/dev/null
    "$out/env/plots/bin/python" "$here/plots/first_chart.py" "$out/html/plots.html" -n 5
}

lake() {
    (cd "$root" && ninja -C build test-tools >/dev/null)
    venv main polars deltalake duckdb==1.5.5 pandas pyarrow
    "$out/env/main/bin/pip" install -q duckdb-extension-delta==1.5.5
    "$out/env/main/bin/python" "$here/lake/bench.py" --rounds "$rounds"
    "$out/env/main/bin/python" "$here/lake/merge.py" "$cupel" --peer -n "$rounds"
    "$out/env/main/bin/python" "$here/lake/merge.py" "$cupel" --peer -n "$rounds" --rows 10000000 --changes 100000
}

works=
while [ $# -gt 0 ]; do
    case $1 in
    -n)
        rounds=$2
        shift
        ;;
    *) works="$works $1" ;;
    esac
    shift
done
for work in ${works:-start w2 w1}; do
    case $work in
    w1) w1 x1 1 ;;
    w1x20)
        peers=$(printf '%s\n' $peers | grep -v '^pandas$' | tr '\n' ' ')
        w1 x20 20
        ;;
    w2) w2 ;;
    start) start ;;
    lake) lake ;;
    plots) plots ;;
    html) html ;;
    *)
        echo "unknown: $work" >&2
        exit 2
        ;;
    esac
done
[ ! -f "$out/results.jsonl" ] || python3 "$here/peers/summarise.py" "$out/results.jsonl"
