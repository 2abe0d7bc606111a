#!/bin/sh
# try.sh - builds dsv3 and asks the small model that ships with it a question; the
# first command of the README.
#
# usage: tools/try.sh [QUESTION]
# Installs what is missing (Debian 12, root or sudo) and builds what has changed.
set -u
. "$(dirname "$0")/setup/build.sh"

question=${1:-What is the capital of France?}
build=$source_dir/build
build_tree "$build" dsv3-run dsv3-compile || exit 1
exec "$build/bin/dsv3-run" generate --model "$source_dir/models/nano" --chat "$question"
