#!/usr/bin/env python3
"""What `cmake --install` puts somewhere works there: programs find each other and their libraries.

usage: install.py CMAKE BUILD_DIRECTORY MODEL
"""
import os
import subprocess
import sys
import tempfile

cmake, build, model = sys.argv[1:4]
with tempfile.TemporaryDirectory(prefix="dsv3-install-") as prefix:
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    programs = os.path.join(prefix, "bin")
    # Nothing of the build or of the caller's environment helps: only what was installed does.
    environment = {"PATH": "/nonexistent", "XDG_CACHE_HOME": os.path.join(prefix, "cache")}

    def run(program, *arguments):
        done = subprocess.run([os.path.join(programs, program), *arguments], env=environment,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{program}: exit code {done.returncode}: {done.stderr}")
        return done.stdout

    for name in sorted(os.listdir(programs)):
        run(name, "--help")
    ids = run("dsv3-run", "generate", "--model", model, "--chat", "What is the capital of France?",
              "--temperature", "0", "--print-ids")
    expected = "280,293,275,1144,270,1421,16\n"
    if ids != expected:
        sys.exit(f"expected {expected!r}, found {ids!r}")
    left = sorted(os.listdir(prefix))
    if left != ["bin", "cache"]:
        sys.exit(f"expected programs alone, found {left}")
