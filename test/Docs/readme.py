#!/usr/bin/env python3
"""Runs the commands of the README, as they stand there, on the small model of the tree.

usage: readme.py SOURCE_DIRECTORY FOLDER_OF_PROGRAMS
Takes the indented lines of "Use it" and "Look inside", fills the placeholders in and runs each in a
folder of its own. Fails if a command fails, or is of a kind that is not listed here, or has a placeholder
that nobody fills. The commands of "Try it" install packages: they are what CI itself runs. Those of "On a
GPU" need one, or NVRTC: tools/check/gpu.sh and test/E2E/gpu_kernels.py run what they stand for.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

SOURCE, PROGRAMS = (os.path.abspath(path) for path in sys.argv[1:3])
NANO = os.path.join(SOURCE, "models", "nano")
SECTIONS = ["Use it", "Look inside"]
# The first words of a command, and whether it answers on stdout.
KINDS = {"dsv3-run generate": True, "dsv3-run score": False, "dsv3-run tokenize": True,
         "dsv3-run bench": True, "dsv3-run profile": True, "dsv3-run compare": True, "dsv3-compile": None, "dsv3-opt": True, "dsv3-translate": True,
         "dsv3-interpret generate": True}


def commands():
    """The commands of the sections, comments cut off."""
    with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as file:
        text = file.read()
    for section in SECTIONS:
        (body,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        lines = re.findall(r"^    (\S.*)$", body, re.M)
        if not lines:
            sys.exit(f"README.md: no command in section '{section}'")
        yield from (re.sub(r"\s+#.*", "", line) for line in lines)


def kind_of(command):
    """The kind that a command is of: the longest that it begins with."""
    words = command.split()
    if not words[0].startswith("build/bin/"):
        return None
    words[0] = os.path.basename(words[0])
    return next((name for name in (" ".join(words[:2]), words[0]) if name in KINDS), None)


def filled(command):
    """The command with the placeholders filled in. Modules are what --dump-phases wrote before."""
    values = {"DIR": NANO, "BUNDLE": "bundle", "PHASES": "phases", "FILE.mlir": "phases/0-import.mlir",
              "CONFIGURED.mlir": "phases/5-configured.mlir", "FILE": "text"}
    for name, value in values.items():
        command = re.sub(rf"(?<![\w./-]){re.escape(name)}(?![\w.-])", shlex.quote(value), command)
    return re.sub(r"^build/bin/", shlex.quote(PROGRAMS) + "/", command)


def run(command, folder):
    """What is wrong with a command, or nothing."""
    kind = kind_of(command)
    if kind is None:
        return "is of a kind that this test does not know"
    line = filled(command)
    unknown = re.findall(r"(?<![\w./'@-])[A-Z]{3,}(?:\.\w+)?(?![\w'])", line)
    if unknown:
        return f"has placeholders that this test does not fill: {' '.join(unknown)}"
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(folder, "cache"))
    done = subprocess.run(line, shell=True, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        return f"ends with exit code {done.returncode}:\n{done.stderr}"
    if KINDS[kind] and not done.stdout:
        return "says nothing on stdout"
    return None


def main():
    failures = 0
    with tempfile.TemporaryDirectory(prefix="dsv3-readme-") as folder:
        shutil.copy(os.path.join(NANO, "config.json"), folder)
        with open(os.path.join(folder, "text"), "w", encoding="utf-8") as file:
            file.write("Paris is the capital of France.")
        for command in commands():
            problem = run(command, folder)
            print(f"{'FAIL' if problem else 'ok  '} {command}", flush=True)
            if problem:
                failures += 1
                print(f"     {problem}")
    return failures


sys.exit(main() != 0)
