# setup.sh - part of ./dev setup services, which reads this file: the servers that tests of remote lakes start.
# shellcheck shell=sh

service_pin() { # NAME: its version and sum
    sed -n "s/^$1  *//p" tools/services/pins
}

hadoop_jars() { echo "$cache/hadoop-$(service_pin hadoop | cut -d ' ' -f 1)"; }
versitygw() { echo "$cache/versitygw-$(service_pin versitygw | cut -d ' ' -f 1)-$machine/versitygw"; }

# Without a Go or a Maven their tests are skipped, which CI takes for a failure.
place_services() {
    go=$(command -v go || echo /usr/local/go/bin/go)
    [ -x "$(versitygw)" ] || if [ -x "$go" ]; then
        build_versitygw
    else
        say "the S3 server of the tests needs Go 1.24 or newer: without it they are skipped"
    fi
    [ -f "$(hadoop_jars)/complete" ] || if command -v mvn >/dev/null; then
        fetch_hadoop
    else
        say "HDFS needs Maven: without it its tests are skipped"
    fi
}

build_versitygw() {
    module=github.com/versity/versitygw
    # shellcheck disable=SC2046 # two words
    set -- $(service_pin versitygw)
    say "building versitygw $1"
    log=$cache/versitygw.log
    for wait in 2 5 0; do
        "$go" mod download -json "$module@v$1" >"$cache/versitygw.json" 2>"$log" && break
        sleep "$wait"
    done
    sum=$(sed -n 's/^.*"Sum": "\(.*\)".*$/\1/p' "$cache/versitygw.json")
    source=$(sed -n 's/^.*"Dir": "\(.*\)".*$/\1/p' "$cache/versitygw.json")
    [ "$sum" = "$2" ] || {
        tail -n 8 "$log" >&2
        die "$module@v$1 cannot be fetched, or is not what tools/services/pins asks for: '$sum'"
    }
    out=$(versitygw)
    mkdir -p "$(dirname "$out")"
    (cd "$source" && CGO_ENABLED=0 GOFLAGS=-mod=readonly "$go" build -trimpath -buildvcs=false -ldflags='-s -w' \
        -o "$out.new" ./cmd/versitygw) >"$log" 2>&1 || {
        tail -n 8 "$log" >&2
        die "cannot build versitygw"
    }
    mv "$out.new" "$out"
}

fetch_hadoop() {
    # shellcheck disable=SC2046
    set -- $(service_pin hadoop)
    say "fetching hadoop $1"
    jars=$(hadoop_jars)
    for wait in 2 5 0; do
        rm -rf "$jars"
        mvn -q -B -f tools/services/hdfs.xml -Dhadoop="$1" \
            org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
            -DincludeScope=runtime -DoutputDirectory="$jars" >"$cache/hadoop.log" 2>&1 && break
        sleep "$wait"
    done
    [ "$(cd "$jars" 2>/dev/null && sha256sum -- *.jar | LC_ALL=C sort -k 2 | sha256sum)" = "$2  -" ] || {
        tail -n 8 "$cache/hadoop.log" >&2
        die "the jars of hadoop $1 cannot be fetched, or are not what tools/services/pins asks for"
    }
    : >"$jars/complete"
}
