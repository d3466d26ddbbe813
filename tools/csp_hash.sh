#!/bin/sh
# csp_hash.sh NAME=FILE...: a C header with NAME_HASH, what a Content-Security-Policy calls the file when it is
# written into a page: 'sha256-BASE64'.
set -eu
for pair in "$@"; do
    hex=$(sha256sum <"${pair#*=}" | cut -c 1-64)
    # shellcheck disable=SC2059 # the bytes themselves
    printf "#define %s_HASH \"'sha256-%s'\"\n" "${pair%%=*}" "$(env printf "$(echo "$hex" | sed 's/../\\x&/g')" | base64)"
done
