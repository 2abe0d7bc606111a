# build.sh - installs packages and builds; sourced by the commands of the README.
#
# build_tree DIRECTORY [targets]: configures this source tree in DIRECTORY, where that
# has not been done, with $cmake_options, and builds targets, or all. One job for every
# 3 GiB of memory at the most; ninja tells how far it is.

source_dir=$(cd "$(dirname "$0")/.." && pwd)
. "$source_dir/tools/setup/packages.sh"

build_tree() {
  build_dir=$1
  shift
  if ! mkdir -p "$build_dir" 2>/dev/null || [ ! -w "$build_dir" ]; then
    echo "the build cannot be written to $build_dir" >&2
    echo "  hint: copy the tree to a folder that you may write to, and run the command there" >&2
    return 1
  fi
  # A tree that was copied or moved brings a build of the place where it was.
  built_for=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build_dir/CMakeCache.txt" 2>/dev/null)
  if [ -n "$built_for" ] && [ "$(cd "$built_for" 2>/dev/null && pwd -P)" != "$(cd "$source_dir" && pwd -P)" ]; then
    if ! grep -q '^CMAKE_PROJECT_NAME:STATIC=dsv3$' "$build_dir/CMakeCache.txt"; then
      echo "$build_dir is a build of something else, $built_for" >&2
      echo "  hint: give another folder, or remove that one" >&2
      return 1
    fi
    echo "$build_dir was made for $built_for: making it anew" >&2
    rm -rf "$build_dir" && mkdir -p "$build_dir" || return 1
  fi
  install_packages || return 1
  jobs=$(nproc)
  memory_jobs=$(awk '/MemAvailable/ { print int($2 / 3145728) }' /proc/meminfo)
  [ "$memory_jobs" -ge 1 ] || memory_jobs=1
  [ "$jobs" -le "$memory_jobs" ] || jobs=$memory_jobs
  if [ ! -f "$build_dir/build.ninja" ]; then
    echo "configuring $build_dir (a few seconds)" >&2
    # shellcheck disable=SC2086 # a list of words
    cmake -S "$source_dir" -B "$build_dir" -G Ninja ${cmake_options:-} >"$build_dir/configure.log" 2>&1 || {
      cat "$build_dir/configure.log" >&2
      return 1
    }
  fi
  ninja -C "$build_dir" -j "$jobs" "$@" >&2
}
