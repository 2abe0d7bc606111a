#!/usr/bin/env python3
"""The compile commands of a build, a file each, also of files that are compiled several at once.

usage: commands.py BUILD_DIRECTORY FOLDER     writes FOLDER/compile_commands.json

CMake's own list has files that include those of a target (CMAKE_UNITY_BUILD), which no tool that looks
at one file can use.
"""
import json
import os
import re
import sys

build, folder = sys.argv[1:3]
with open(os.path.join(build, "compile_commands.json")) as file:
    listed = json.load(file)
commands = []
for command in listed:
    files = [command["file"]]
    if re.fullmatch(r"unity_\d+_cxx\.cxx", os.path.basename(command["file"])):
        with open(command["file"]) as file:
            files = re.findall(r'^#include "(.*)"', file.read(), re.MULTILINE)
    commands += [dict(command, file=one, command=command["command"].replace(command["file"], one)) for one in files]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, "compile_commands.json"), "w") as file:
    json.dump(commands, file, indent=1)
