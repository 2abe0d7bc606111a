#!/bin/sh
# test.sh - builds dsv3 and passes all tests; the second command of the README.
#
# usage: tools/test.sh [BUILD_DIRECTORY]
# Installs what is missing (Debian 12, root or sudo), builds, runs unit, lit and
# layering tests, and closes with a line `N passed, N failed`.
set -u
. "$(dirname "$0")/setup/build.sh"

build=${1:-$source_dir/build}
build_tree "$build" || exit 1
log=$build/test.log
(cd "$build" && ctest --output-on-failure -j "$(nproc)") 2>&1 | tee "$log"
# ctest says "98% tests passed, 1 tests failed out of 50".
awk '/tests passed, .* tests failed out of/ { failed = $4; total = $NF; found = 1 }
     END { if (!found) { print "0 passed, 1 failed"; exit 1 }
           printf "%d passed, %d failed\n", total - failed, failed; exit failed > 0 }' "$log"
