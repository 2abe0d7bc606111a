#!/usr/bin/env python3
"""The kernels of models, compiled for every kind of GPU and looked at: needs NVRTC, but no GPU.

usage: gpu_kernels.py PROGRAMS MODELS [--part=N/M | --parts=M]
PROGRAMS is the folder of dsv3-compile and dsv3-run, MODELS that of the models' configurations; those of the
oracles are taken, too, where DSV3_ORACLES names them. All kernels, or part N of M, or the part
whose turn it is by the commit. Each text is compiled once; `dsv3-run check-kernels` says what is wrong.
"""
import argparse
import glob
import json
import os
import subprocess
import sys
import tempfile

import share

ARCHITECTURES = ["sm_80", "sm_90a", "sm_100a", "sm_120a"]
MODELS = ["nano", "moonlight-16b-a3b", "kimi-k2", "deepseek-v3-671b"]


def choices(config):
    """Names of policies and more, with flags and the architectures that have code for them."""
    with open(config) as file:
        fp8 = "quantization_config" in json.load(file)
    yield "f32", ["--policy=f32"], ARCHITECTURES
    yield "bf16", ["--policy=bf16"], ARCHITECTURES
    yield "mma", ["--policy=bf16", "--tensor-cores=mma"], ["sm_90a"]
    if fp8:  # rows of codes meet FP8 weights alone
        yield "w8a8", ["--policy=w8a8"], ARCHITECTURES[1:]
        yield "w8a8-mma", ["--policy=w8a8", "--tensor-cores=mma"], ["sm_90a"]


def bundles(compiler, models, folder):
    """Bundles with the text of all kernels."""
    configs = [os.path.join(models, name, "config.json") for name in MODELS]
    configs += sorted(glob.glob(os.path.join(os.environ.get("DSV3_ORACLES", ""), "*", "model", "config.json")))
    for config in configs:
        parts = os.path.dirname(config).split(os.sep)
        name = parts[-2] if parts[-1] == "model" else parts[-1]
        for choice, flags, architectures in choices(config):
            bundle = os.path.join(folder, f"{name}-{choice}")
            done = subprocess.run([compiler, "--config", config, "--target=cuda", "--arch=" + ",".join(architectures),
                                   *flags, "-o", bundle], capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{config}, {choice}: exit status {done.returncode}\n{done.stderr}")
            yield bundle


arguments = argparse.ArgumentParser()
arguments.add_argument("programs")
arguments.add_argument("models")
arguments.add_argument("--part", default="1/1")
arguments.add_argument("--parts", type=int)
flags = arguments.parse_args()
part = f"{share.share_of_commit(flags.parts) + 1}/{flags.parts}" if flags.parts else flags.part
with tempfile.TemporaryDirectory() as scratch:
    made = list(bundles(os.path.join(flags.programs, "dsv3-compile"), flags.models, scratch))
    # An empty cache: what is measured is a first start.
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(scratch, "cache"))
    run = [os.path.join(os.path.abspath(flags.programs), "dsv3-run"), "check-kernels", f"--part={part}"]
    print(f"part {part}", flush=True)
    sys.exit(subprocess.run(run + [os.path.basename(bundle) for bundle in made], cwd=scratch,
                            env=environment, check=False).returncode)
