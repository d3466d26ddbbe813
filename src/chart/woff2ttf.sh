#!/bin/sh
# woff2ttf.sh IN.woff2 OUT.ttf - a web font as one that fontconfig and HarfBuzz read.
set -eu
cp "$1" "${2%.ttf}.woff2"
woff2_decompress "${2%.ttf}.woff2" >/dev/null
