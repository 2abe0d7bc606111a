#!/usr/bin/env python3
"""Damaged files, senseless flags, full disks and kills: each is refused with a clear message.

usage: bad_input.py PROGRAMS NANO [-v] [CASE]     PROGRAMS is the folder of dsv3-run and its kin, NANO the
small model, CASE a part of the names of the cases to run; -v shows all messages.
"""
import os
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
import share  # noqa: E402
from badinput import bench, bundles, caches, configs, flags, packed, texts, weights  # noqa: E402

# Where this is a background job of a script, whoever it starts would ignore Ctrl-C, too.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
arguments = [word for word in sys.argv[1:] if word != "-v"]
with tempfile.TemporaryDirectory(prefix="dsv3-bad-input-") as scratch:
    tests = bench.Bench(os.path.abspath(arguments[0]), os.path.abspath(arguments[1]), scratch,
                        only=arguments[2] if len(arguments) > 2 else "", verbose="-v" in sys.argv)
    # Compiled once, with time to spare: most cases find it in the cache.
    tests.answers("the small model", ["run", "generate", "--model", tests.nano, "--ids", "0,5",
                                      "--max-tokens", "1"], timeout=300)
    areas = [configs, weights, texts, flags, bundles, caches, packed]
    for area in areas if tests.only else share.of(areas, 5):
        area.check(tests)
for case in tests.skipped:
    print(f"skipped: {case}")
print(f"{tests.count} cases, {len(tests.failures)} failures, {len(tests.skipped)} skipped")
sys.exit(bool(tests.failures))
