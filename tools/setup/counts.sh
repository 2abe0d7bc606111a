# counts.sh - how many tests passed, failed and were skipped; sourced by test.sh.
#
# add_counts LOG: adds what a log of ctest says to $passed, $failed and $skipped. It has a line
# "98% tests passed, 1 tests failed out of 50", where a skipped test counts as passed, and
# "50/50 Test #7: NAME ....***Skipped" for each of those. A log that has neither is one failure.

add_counts() {
  # shellcheck disable=SC2046 # three numbers
  set -- $(awk '/^ *[0-9]+\/[0-9]+ Test +#.*\*\*\*Skipped/ { skipped++ }
                /tests passed, .* tests failed out of/ { all = $NF; failed = $4; found = 1 }
                END { if (found) print all - failed - skipped, failed, skipped + 0
                      else print 0, 1, 0 }' "$1")
  passed=$((passed + $1))
  failed=$((failed + $2))
  skipped=$((skipped + $3))
}
