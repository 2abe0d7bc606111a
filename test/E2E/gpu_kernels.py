#!/usr/bin/env python3
"""The kernels of models, compiled for every kind of GPU and looked at: needs NVRTC, but no GPU.

usage: gpu_kernels.py PROGRAMS MODELS [--part=N/M | --share]
PROGRAMS is the folder of dsv3-compile and dsv3-run, MODELS that of the models' configurations; those of the
oracles are taken, too, where DSV3_ORACLES names them. All kernels, or part N of M, or with --share half of the
kernels of an eighth of the models' precisions, those whose turn it is by the commit. Each text is compiled once;
`dsv3-run check-kernels` says what is wrong.
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
    # Bundles for warp groups alone expand the keys of a prompt first.
    yield "alone", ["--policy=bf16", "--batch=3"], ["sm_90a"]
    if fp8:  # rows of codes meet FP8 weights alone
        yield "w8a8-alone", ["--policy=w8a8"], ["sm_90a"]
        yield "w8a8", ["--policy=w8a8"], ARCHITECTURES[1:]
        yield "w8a8-mma", ["--policy=w8a8", "--tensor-cores=mma"], ["sm_90a"]
    else:
        yield "fp8-alone", ["--policy=bf16", "--weights=fp8"], ["sm_90a"]


def choices_of_all(models):
    """Each configuration with each of its choices."""
    configs = [os.path.join(models, name, "config.json") for name in MODELS]
    configs += sorted(glob.glob(os.path.join(os.environ.get("DSV3_ORACLES", ""), "*", "model", "config.json")))
    for config in configs:
        parts = os.path.dirname(config).split(os.sep)
        name = parts[-2] if parts[-1] == "model" else parts[-1]
        for choice, flags, architectures in choices(config):
            yield f"{name}-{choice}", ["--config", config, "--arch=" + ",".join(architectures), *flags]


def compile_bundle(compiler, folder, name, flags):
    """A bundle with the text of all kernels."""
    bundle = os.path.join(folder, name)
    done = subprocess.run([compiler, "--target=cuda", *flags, "-o", bundle], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}: exit status {done.returncode}\n{done.stderr}")
    return bundle


arguments = argparse.ArgumentParser()
arguments.add_argument("programs")
arguments.add_argument("models")
arguments.add_argument("--part", default="1/1")
arguments.add_argument("--share", action="store_true")
flags = arguments.parse_args()
part, chosen = flags.part, list(choices_of_all(flags.models))
if flags.share:
    turn = share.share_of_commit(16)
    part, chosen = f"{turn // 8 + 1}/2", chosen[turn % 8::8]
with tempfile.TemporaryDirectory() as scratch:
    compiler = os.path.join(flags.programs, "dsv3-compile")
    made = [compile_bundle(compiler, scratch, *choice) for choice in chosen]
    # An empty cache: what is measured is a first start.
    environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(scratch, "cache"))
    run = [os.path.join(os.path.abspath(flags.programs), "dsv3-run"), "check-kernels", f"--part={part}"]
    print(f"part {part} of {len(made)} bundles", flush=True)
    sys.exit(subprocess.run(run + [os.path.basename(bundle) for bundle in made], cwd=scratch,
                            env=environment, check=False).returncode)
