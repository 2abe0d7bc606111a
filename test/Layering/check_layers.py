"""Checks who may know whom: the table of parts, against #include lines and CMake links.

A file belongs to the part with the longest folder that holds it. What it includes, or
its target links, belongs to a part or to a kind of library; its part must list that.
Prints a line for each breach and a count; fails if there is a breach or nothing to check.

usage: check_layers.py ROOT
"""
import os
import re
import sys

# part: (folders, what it may use besides itself)
PARTS = {
    "support": (["include/dsv3/Support", "lib/Support"], ["std", "system"]),
    "plan": (["include/dsv3/Plan", "lib/Plan"], ["std", "support"]),
    "checkpoint": (["include/dsv3/Checkpoint", "lib/Checkpoint"],
                   ["std", "system", "json", "support"]),
    "dsv3 dialect": (["dialects/Graph"], ["std", "mlir", "support"]),
    "kern dialect": (["dialects/Kernel"], ["std", "mlir", "support", "dsv3 dialect"]),
    "plan dialect": (["dialects/Plan"], ["std", "mlir", "support"]),
    "check dialect": (["dialects/Check"], ["std", "mlir", "support"]),
    "compiler": (["lib", "include/dsv3"],
                 ["std", "system", "mlir", "fmt", "support", "plan", "checkpoint", "dsv3 dialect",
                  "kern dialect", "plan dialect", "check dialect"]),
    "compiler tools": (["lib/Tools", "include/dsv3/Tools"],
                       ["std", "system", "mlir", "fmt", "cli", "json", "support", "plan",
                        "checkpoint", "dsv3 dialect", "kern dialect", "plan dialect",
                        "check dialect", "compiler", "runtime"]),
    "runtime": (["runtime"], ["std", "system", "fmt", "log", "cli", "json", "regex", "http",
                              "support", "plan", "checkpoint", "simulated ptx"]),
    # Device headers include nothing but each other: one instruction, then tiles of them.
    "ptx": (["runtime/kernels/cuda/ptx"], []),
    # Stand for those of one instruction where kernels are compiled for the host.
    "simulated ptx": (["runtime/kernels/sim"], ["ptx"]),
    "tile": (["runtime/kernels/cuda/tile"], ["ptx"]),
    "family": (["runtime/kernels/cuda"], ["ptx", "tile"]),
    "device tests": (["runtime/cts/cuda"], ["ptx", "tile"]),
    "tools": (["tools"], ["std", "mlir", "compiler", "compiler tools"]),
    "dsv3-run": (["tools/dsv3-run"], ["std", "runtime"]),
}
# What LLVM links belongs to mlir. How libraries show in `#include <…>`, `#include "…"` and link lines; first match counts.
LIBRARIES = [
    ("mlir", r"(mlir|llvm|llvm-c|lld)/|MLIR$|LLVM$|\$\{LLD|ZLIB::|\$\{ZSTD"),
    ("json", r"nlohmann"),
    ("fmt", r"fmt/|fmt::"),
    ("log", r"spdlog"),
    ("cli", r"CLI/|CLI11::"),
    ("regex", r"pcre2|\$\{PCRE2"),
    ("http", r"boost/|Boost::"),
    ("cuda", r"cuda|nvrtc|nccl|mpi\.h|CUDA::"),
    ("system", r"[\w/]+\.h$|Threads::|\$\{CMAKE_DL_LIBS\}"),
    ("std", r"\w+$"),
]
ROOTS = ["dialects", "include", "lib", "runtime", "tools"]
INCLUDE = re.compile(r'^\s*#?\s*include\s*([<"])([^>"]+)[>"]')
CALL = re.compile(r"\b(dsv3_library|dsv3_dialect|add_executable|add_library|"
                  r"target_link_libraries)\(\s*([\w-]+)([^)]*)\)")


def part_of(path):
    """The part that a path of the tree belongs to."""
    found = [(len(folder), part) for part, (folders, _) in PARTS.items() for folder in folders
             if path.startswith(folder + "/")]
    return max(found)[1] if found else None


def library_of(name):
    return next((kind for kind, pattern in LIBRARIES if re.match(pattern, name)), None)


def resolve(root, path, name, quoted):
    """The path in the tree that an include line of `path` means, or None."""
    near = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if quoted and os.path.exists(os.path.join(root, near)):
        return near
    if name.startswith("dsv3/"):
        return "include/" + name
    if name.startswith("runtime/"):
        return name
    if re.match(r"(Graph|Kernel|Plan|Check)/", name):
        return "dialects/" + name
    return None


def included(root, path):
    """(line, text, what is used) of each include line of a file."""
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            own = resolve(root, path, match[2], match[1] == '"')
            yield number, match[2], part_of(own) if own else library_of(match[2])


def links(root, paths):
    """(path, line, text, what is used) of each link of a target."""
    calls, home = [], {}
    for path in paths:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            text = re.sub(r"#.*", "", file.read())
        for match in CALL.finditer(text):
            line = text[:match.start()].count("\n") + 1
            calls.append((path, line, match[1], match[2], match[3].split()))
            if match[1] != "target_link_libraries":
                home[match[2]] = path
    for path, line, command, _, words in calls:
        if command == "target_link_libraries":
            names = [word for word in words if word not in ("PUBLIC", "PRIVATE", "INTERFACE")]
        else:
            names = words[words.index("LINK") + 1:] if "LINK" in words else []
        for name in names:
            yield path, line, name, part_of(home[name]) if name in home else library_of(name)


def main(root):
    sources, lists = [], []
    for top in ROOTS:
        for folder, _, names in os.walk(os.path.join(root, top)):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), root)
                if name == "CMakeLists.txt":
                    lists.append(path)
                elif name.endswith((".h", ".cpp", ".c", ".cu", ".cuh", ".td", ".def", ".inc")):
                    sources.append(path)
    uses = [(path, line, "includes", text, used)
            for path in sorted(sources) for line, text, used in included(root, path)]
    uses += [(path, line, "links", text, used)
             for path, line, text, used in links(root, sorted(lists))]
    breaches = 0
    for path, line, verb, text, used in uses:
        part = part_of(path)
        if part is None or used == part or used in PARTS[part][1]:
            continue
        breaches += 1
        print(f"{path}:{line}: '{part}' {verb} '{text}' of {used or 'a library unknown here'}; "
              f"it may use {', '.join(PARTS[part][1]) or 'nothing'}")
    print(f"{len(uses)} uses, {breaches} breaches")
    return breaches != 0 or not uses


sys.exit(main(sys.argv[1]))
