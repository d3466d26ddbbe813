# setup.sh - part of ./dev setup spark, which reads this file: PySpark and Delta's jars, for the test that has Spark write to a
# table of ours. Half a gigabyte, so it is fetched only where CUPEL_SPARK=1 asks for that test.
# shellcheck shell=sh

spark_home() { echo "$cache/spark-$(cat tools/spark/* | sha256sum | cut -c 1-12)-$machine"; }

# SHA-256 of what sha256sum says of the jars of delta.xml.
delta_sum=1bc075342c0d8b6e6c5826989db56bb394588a06537c6d7169f6627135de615e

place_spark() {
    home=$(spark_home)
    [ ! -f "$home/complete" ] || return 0
    say "fetching Spark"
    rm -rf "$home"
    mkdir -p "$home"
    "$python" -m venv "$home/venv"
    for wait in 2 5 0; do
        "$home/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --require-hashes \
            -r tools/spark/requirements.txt >"$cache/spark.log" 2>&1 &&
            mvn -q -B -f tools/spark/delta.xml \
                org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DincludeScope=runtime \
                -DincludeGroupIds=io.delta,io.unitycatalog -DoutputDirectory="$home/jars" >>"$cache/spark.log" 2>&1 && break
        sleep "$wait"
    done
    [ "$(cd "$home/jars" 2>/dev/null && sha256sum -- *.jar | LC_ALL=C sort -k 2 | sha256sum)" = "$delta_sum  -" ] || {
        tail -n 8 "$cache/spark.log" >&2
        die "Spark cannot be fetched, or Delta's jars are not those that tools/spark asks for"
    }
    : >"$home/complete"
}
