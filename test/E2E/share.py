#!/usr/bin/env python3
"""A share of what takes minutes to test: the one whose turn it is by the commit.

usage: share.py SHARES PROGRAM     PROGRAM: of GoogleTest

Tests in Python call `of` or `main`. All tests take less than half an hour so. DSV3_ALL_SHARES=1 runs every
share; so does running a program of GoogleTest by itself.
"""
import os
import subprocess
import sys
import time
import unittest


def share_of_commit(shares):
    """The index of the share whose turn it is: the commit's name draws it, so that none is left out for long,
    whichever commits are tested."""
    commit = subprocess.run(["git", "-C", os.path.dirname(os.path.abspath(__file__)), "rev-parse", "HEAD"],
                            capture_output=True, text=True)
    return int(commit.stdout[:8], 16) % shares if commit.returncode == 0 else 0


def shares_to_run(shares):
    """How many shares there are, and the index of the one to run."""
    if os.environ.get("DSV3_ALL_SHARES") == "1":
        return 1, 0
    return shares, share_of_commit(shares)


def of(items, shares):
    """Those of the items whose turn it is."""
    count, index = shares_to_run(shares)
    print(f"share {index + 1} of {count}", flush=True)
    return list(items)[index::count]


class TimedResult(unittest.TextTestResult):
    """Says what each test took."""

    def startTest(self, test):
        self.started = time.monotonic()
        super().startTest(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        # As GoogleTest says it, for tools/setup/counts.sh.
        self.stream.writeln(f"\n{reason}\n[  SKIPPED ] {test.id()} (0 ms)")

    def stopTest(self, test):
        super().stopTest(test)
        self.stream.writeln(f"  {test.id()}: {time.monotonic() - self.started:.1f} s")


def main(shares):
    """In the place of unittest.main: runs a share of the program's tests."""
    def tests(suite):
        for part in suite:
            yield from tests(part) if isinstance(part, unittest.TestSuite) else [part]
    loaded = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    suite = unittest.TestSuite(of(tests(loaded), shares))
    done = unittest.TextTestRunner(resultclass=TimedResult).run(suite)
    sys.exit(not done.wasSuccessful() or done.testsRun == 0)


if __name__ == "__main__":
    count, index = shares_to_run(int(sys.argv[1]))
    print(f"share {index + 1} of {count}", flush=True)
    os.execve(sys.argv[2], sys.argv[2:],
              dict(os.environ, GTEST_TOTAL_SHARDS=str(count), GTEST_SHARD_INDEX=str(index)))
