#!/usr/bin/env python3
"""Compiling the largest model costs little, and twice the layers little more.

usage: compile_cost.py DSV3_COMPILE CONFIG
CONFIG is the config.json of the 671B model. Processor time is measured, since the machine may be
busy, beside that of a piece of Python, since machines differ and their cores share units: the limit
is ten times that piece, where it takes 3.5 to 5. Two runs give the same bytes.
"""
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time

COMPILE, CONFIG = sys.argv[1:3]
SHARE, BYTES, GROWTH, YARDSTICK = 10, 2 << 30, 1.3, 200


def compile_cost(config, bundle):
    """Seconds of processor time and the largest resident memory in bytes."""
    process = subprocess.Popen([COMPILE, "--config", config, "-o", bundle],
                               stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0 or not os.path.exists(os.path.join(bundle, "plan.dsv3")):
        sys.exit(f"compiling {config}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def yardstick():
    """Seconds of processor time of work on small objects, as a compiler's is."""
    start = time.process_time()
    for _ in range(YARDSTICK):
        words = {str(i * 7919 % 100003): [i] for i in range(20000)}
        sorted(words, key=lambda word: words[word][0] ^ len(word))
    return time.process_time() - start


piece = yardstick()
with tempfile.TemporaryDirectory() as folder:
    with open(CONFIG) as file:
        config = json.load(file)
    config["num_hidden_layers"] *= 2
    twice = os.path.join(folder, "config.json")
    with open(twice, "w") as file:
        json.dump(config, file)
    seconds, resident = compile_cost(CONFIG, os.path.join(folder, "one"))
    more, _ = compile_cost(twice, os.path.join(folder, "two"))
    compile_cost(CONFIG, os.path.join(folder, "again"))
    names = sorted(os.listdir(os.path.join(folder, "one")))
    _, different, missing = filecmp.cmpfiles(os.path.join(folder, "one"),
                                             os.path.join(folder, "again"), names, shallow=False)
    if different or missing:
        sys.exit(f"two runs differ in {different + missing}")
piece = max(piece, yardstick())
print(f"{seconds:.1f} s of processor time, {seconds / piece:.1f} times the yardstick's, "
      f"{resident / 2**20:.0f} MiB; twice the layers: {more:.1f} s")
sys.exit(not (seconds < SHARE * piece and resident < BYTES and more < GROWTH * seconds))
