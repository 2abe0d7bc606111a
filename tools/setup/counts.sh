# counts.sh - how many tests passed, failed and were skipped; sourced by test.sh.
#
# add_counts LOG [OUTPUTS]: adds what a log of ctest says to $passed, $failed and $skipped. It has
# a line "98% tests passed, 1 tests failed out of 50", where a skipped test counts as passed, and
# "50/50 Test #7: NAME ....***Skipped" for each of those. A log that has neither is one failure.
# OUTPUTS is ctest's Testing/Temporary/LastTest.log. A GoogleTest program that skips cases passes for
# ctest: there each case is named and counted as skipped, and a program that passed none of its
# cases did not pass.

add_counts() {
  # shellcheck disable=SC2046 # three numbers
  set -- "${2:-/dev/null}" $(awk '
    /^ *[0-9]+\/[0-9]+ Test +#.*\*\*\*Skipped/ { skipped++ }
    /tests passed, .* tests failed out of/ { all = $NF; failed = $4; found = 1 }
    END { if (found) print all - failed - skipped, failed, skipped + 0
          else print 0, 1, 0 }' "$1")
  passed=$((passed + $2))
  failed=$((failed + $3))
  skipped=$((skipped + $4))
  sed -n 's/^\[  SKIPPED \] \(.*\) ([0-9]* ms)$/skipped: \1/p' "$1"
  # shellcheck disable=SC2046 # two numbers
  set -- $(awk '
    /^\[  SKIPPED \] .* \([0-9]+ ms\)$/ { cases++ }
    /^\[  PASSED  \] 0 tests\.$/ { none = 1 }
    /^Test Passed\.$/ { programs += none }
    /^Test (Passed|Failed|Skipped)/ { none = 0 }
    END { print cases + 0, programs + 0 }' "$1")
  skipped=$((skipped + $1))
  passed=$((passed - $2))
}
