#!/bin/sh
# tidy.sh - clang-tidy over the C++ files of the last change.
#
# usage: tools/check/tidy.sh BUILD_DIRECTORY [MOST_FILES]
# The last change is what differs from the first parent of the last merge or, where there
# is none, from the commit before. A file takes ten seconds or more, so that at most
# MOST_FILES (5) are looked at; the others are named. Exit status 77: nothing to look at.
set -u
build=$(cd "$1" && pwd) || exit 1
most=${2:-5}
cd "$(dirname "$0")/../.." || exit 1
base=$(git log -1 --merges --format=%P 2>/dev/null | cut -d' ' -f1)
base=${base:-HEAD~1}
changed=$(git diff --name-only --diff-filter=d "$base" -- '*.cpp' 2>/dev/null) || {
  echo "skipped: clang-tidy: git knows no change before this one"
  exit 77
}
commands=$build/commands
python3 tools/check/commands.py "$build" "$commands" || exit 1
files=
count=0
for file in $changed; do
  # Files that this build does not compile have no command to look at them with.
  if ! grep -q "\"file\": \".*/$file\"" "$commands/compile_commands.json"; then
    echo "left out: $file (not compiled)"
  elif [ "$count" -ge "$most" ]; then
    echo "left out: $file (more than $most files)"
  else
    files="$files $file"
    count=$((count + 1))
  fi
done
if [ -z "$files" ]; then
  echo "skipped: clang-tidy: no C++ file differs from $base"
  exit 77
fi
# The commands are g++'s, which has warnings that clang lacks and precompiled headers that it
# leaves alone.
# shellcheck disable=SC2086 # a list of words
printf '%s\n' $files | xargs -P "$(nproc)" -n 1 "${CLANG_TIDY:-clang-tidy-22}" -p "$commands" --quiet \
  --extra-arg=-Wno-unknown-warning-option --extra-arg=-Wno-ignored-gch
