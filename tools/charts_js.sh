#!/bin/sh
# charts_js.sh THEME.json SCRIPT.js...: one script of all, with the theme as chartTheme.
set -eu
printf 'const chartTheme = '
cat "$1"
shift
for script in "$@"; do
    printf '\n;'
    cat "$script"
done
