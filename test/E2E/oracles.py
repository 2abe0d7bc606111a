#!/usr/bin/env python3
"""Oracle checkpoints through a runner's `score` and `generate`: every case must be in the class.

usage: oracles.py [--class f32|bf16|fp8] [--cases NAME,…] [--shares N] RUNNER [flags for score and generate]
f32 and all cases unless said; --shares N: one of N shares of them, that of the commit (share.py). Needs numpy, and
DSV3_ORACLES.
Exits with 77, which ctest counts as skipped, where the oracles are not at hand.
"""
import os
import subprocess
import sys

import share

oracles = os.environ.get("DSV3_ORACLES", "")
cases = ["v3-bf16", "v3-fp8", "v31-fp8-ue8m0", "kimi-fp8", "moonlight-bf16", "nano-bf16", "nano-fp8"]
if not os.path.isdir(oracles):
    print("skipped: DSV3_ORACLES names no directory")
    sys.exit(77)
given = sys.argv[1:]
asked = given[:2] if given[0] == "--class" else []
given = given[len(asked):]
if given[0] == "--cases":
    cases, given = given[1].split(","), given[2:]
if given[0] == "--shares":
    cases, given = share.of(cases, int(given[1])), given[2:]
runner, *flags = given
command = [sys.executable, os.path.join(oracles, "compare.py"), *asked, runner]
command += [os.path.join(oracles, case) for case in cases]
if flags:
    command += ["--"] + flags
sys.exit(subprocess.run(command).returncode)
