#!/bin/sh
# test.sh - builds dsv3 and passes all tests; the second command of the README.
#
# usage: tools/test.sh [BUILD_DIRECTORY]
# Installs what is missing (Debian 12, root or sudo; NVRTC from PyPI), builds, runs unit, lit, fuzz and
# layering tests, then builds the runtime once more, by clang, without the compiler and with
# sanitizers, and runs its tests; checks the format of all C++ files, and those of the
# last change with clang-tidy. Closes with a line `N passed, N failed, N skipped`: tests whose
# answers are not there (DSV3_ORACLES), cases of unit tests that this machine cannot run, each
# named, and checks that have nothing to check are skipped.
set -u
. "$(dirname "$0")/setup/build.sh"
. "$source_dir/tools/setup/counts.sh"
. "$source_dir/tools/setup/nvrtc.sh"
dsv3_packages="$dsv3_packages $dsv3_check_packages"

passed=0
failed=0
skipped=0

# Runs the tests of a build directory and adds to the counts.
count_tests() {
  log=$1/test.log
  (cd "$1" && ctest --output-on-failure -j "$(nproc)") 2>&1 | tee "$log"
  add_counts "$log" "$1/Testing/Temporary/LastTest.log"
}

# Runs a check of tools/check, which counts as one test unless it has nothing to check.
count_check() {
  name=$1
  shift
  echo "Check: $name"
  sh "$source_dir/tools/check/$name.sh" "$@"
  case $? in
  0) passed=$((passed + 1)) ;;
  77) skipped=$((skipped + 1)) ;;
  *) failed=$((failed + 1)) ;;
  esac
}

build=${1:-$source_dir/build}
cmake_options=
build_tree "$build" || exit 1
# Where this fails, the tests that need NVRTC do, and say what they looked for.
install_nvrtc "$build/nvrtc"
count_tests "$build"

echo "The runtime alone, with sanitizers:"
# By clang, which takes two thirds of the time that g++ takes with sanitizers, and warns of other things.
cmake_options="-DDSV3_BUILD_COMPILER=OFF -DDSV3_SANITIZE=address,undefined \
  -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22"
if build_tree "$build/sanitized"; then
  count_tests "$build/sanitized"
else
  failed=$((failed + 1))
fi
count_check format
count_check tidy "$build"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
