#!/bin/sh
# demo.sh - the movies project from its API to the report, in demo/, against the stand-in server.
# Called by ./dev demo. Three runs on three days, so that the trends in the report have a history.
set -eu
cd "$(dirname "$0")/.."
here=demo
days=${DEMO_DAYS:-2026-11-19 2026-11-20 2026-11-21}
PATH=$PWD/build:$PATH

if [ -e $here ]; then
    [ -f $here/.made-by-demo ] || {
        echo "demo.sh: error: $PWD/$here is in the way, and was not made by an earlier demo" >&2
        exit 1
    }
    rm -rf $here
fi
mkdir $here
: >$here/.made-by-demo
cp -R projects/movies $here/movies
rm -rf $here/movies/lake $here/movies/.cupel

server=
stop_server() { # not asked but told: it has nothing to put in order
    [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    server=
}
trap stop_server EXIT
trap 'exit 130' INT TERM

start_server() { # DATE: sets TMDB_BASE_URL
    stop_server
    : >$here/standin.out
    tmdb-standin --port 0 --key demo --date "$1" >$here/standin.out 2>$here/standin.err &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        TMDB_BASE_URL=$(sed -n '1s/^listening on //p' $here/standin.out)
        [ -z "$TMDB_BASE_URL" ] || return 0
        sleep 0.2
    done
    echo "demo.sh: error: the stand-in server did not start:" >&2
    cat $here/standin.err >&2
    return 1
}

export TMDB_BASE_URL TMDB_API_KEY=demo TMDB_RATE_LIMIT=0
run() {
    echo "\$ cupel $*"
    cupel --project $here/movies "$@"
    echo
}

for day in $days; do
    start_server "$day"
    run run --now "${day}T12:00:00Z"
done
run tables
run render kpi --to txt
run render --all --to html --index --out $here/pages

cat <<END
That was the movies project: three days of an API that stands in for TMDB, loaded into the Delta tables
of $here/movies/lake, and a report made from them. Its pages are ready for a browser, each one file:

  $here/pages/index.html, which leads to overview.html, kpi.html, plots.html, quality.html

Where to look next:

  PATH=\$PWD/build:\$PATH; cd $here/movies
  cupel plan                                    what a run would do
  cupel query 'SELECT title, vote_average FROM silver.movies ORDER BY 2 DESC LIMIT 5'
  cupel history silver.movies                   every commit; silver.movies@v0 is the first in a query
  cupel render plots --to pdf --out .           the same page on paper; png, svg and txt work, too
  ls sources models pages                       all there is to the project: change one, run again

To use TMDB itself: TMDB_API_KEY=... cupel run
END
