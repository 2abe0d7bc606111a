#!/usr/bin/env python3
"""Compiling the largest model costs little, and twice the layers little more.

usage: compile_cost.py DSV3_COMPILE CONFIG
CONFIG is the config.json of the 671B model. A layer more is a few lines of the plan more: the code
for twice the layers has the same bytes, and the plan is no more than twice as long. Two runs give
the same bytes. Processor time has a wide limit that holds for twice the layers, too, so that it
finds a pass that has become quadratic and not a busy machine: ten times that of a piece of Python,
where it takes 3.5 to 5.
"""
import filecmp
import json
import os
import subprocess
import sys
import tempfile
import time

COMPILE, CONFIG = sys.argv[1:3]
SHARE, BYTES, YARDSTICK = 10, 2 << 30, 200


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


with tempfile.TemporaryDirectory() as folder:
    one, two, again = (os.path.join(folder, name) for name in ("one", "two", "again"))
    with open(CONFIG) as file:
        config = json.load(file)
    config["num_hidden_layers"] *= 2
    twice = os.path.join(folder, "config.json")
    with open(twice, "w") as file:
        json.dump(config, file)
    piece = yardstick()
    seconds, resident = compile_cost(CONFIG, one)
    more, more_resident = compile_cost(twice, two)
    piece = max(piece, yardstick())
    compile_cost(CONFIG, again)

    _, different, missing = filecmp.cmpfiles(one, again, sorted(os.listdir(one)), shallow=False)
    if different or missing:
        sys.exit(f"two runs differ in {different + missing}")
    objects = [name for name in sorted(os.listdir(one)) if name.endswith(".so")]
    _, different, missing = filecmp.cmpfiles(one, two, objects, shallow=False)
    if len(objects) < 2 or different or missing:
        sys.exit(f"of the code in {objects}, twice the layers have other code in "
                 f"{different + missing}")
    plan, more_plan = (os.path.getsize(os.path.join(bundle, "plan.dsv3")) for bundle in (one, two))
    if not plan < more_plan <= 2 * plan:
        sys.exit(f"the plan has {plan} bytes, for twice the layers {more_plan}")
print(f"{seconds:.1f} s of processor time, {seconds / piece:.1f} times the yardstick's, "
      f"{resident / 2**20:.0f} MiB; twice the layers: {more:.1f} s, "
      f"{more_resident / 2**20:.0f} MiB")
sys.exit(not (max(seconds, more) < SHARE * piece and max(resident, more_resident) < BYTES))
