#!/bin/sh
# font_css.sh FAMILY WEIGHT=FILE.woff2...: a style sheet that has the fonts in it.
set -eu
family=$1
shift
for pair in "$@"; do
    printf '@font-face{font-family:%s;font-weight:%s;src:url(data:font/woff2;base64,%s) format("woff2")}\n' "$family" \
        "${pair%%=*}" "$(base64 -w 0 "${pair#*=}")"
done
