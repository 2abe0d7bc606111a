#!/usr/bin/env python3
"""A share of the tests of a GoogleTest program: the one whose turn it is by the commit.

usage: share.py SHARES PROGRAM

What takes minutes is tested in turn, so that all tests take half an hour. DSV3_ALL_SHARES=1 runs every
share; so does running PROGRAM by itself.
"""
import os
import subprocess
import sys


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


if __name__ == "__main__":
    count, index = shares_to_run(int(sys.argv[1]))
    print(f"share {index + 1} of {count}", flush=True)
    os.execve(sys.argv[2], sys.argv[2:],
              dict(os.environ, GTEST_TOTAL_SHARDS=str(count), GTEST_SHARD_INDEX=str(index)))
