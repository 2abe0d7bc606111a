#!/usr/bin/env python3
"""Kernels of models, compiled for every kind of GPU: needs NVRTC, but no GPU.

usage: gpu_kernels.py DSV3_COMPILE CONFIG…
Exits with 77, which ctest counts as skipped, where NVRTC is not installed. The oracles'
configurations are compiled, too, where DSV3_ORACLES names them.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile

compiler, configs = sys.argv[1], sys.argv[2:]
configs += sorted(glob.glob(os.path.join(os.environ.get("DSV3_ORACLES", ""), "*", "model", "config.json")))
architectures = ["sm_80", "sm_90a", "sm_100a", "sm_120a"]


def policies(config):
    """Each with the architectures that have code for it: rows of codes meet FP8 weights alone."""
    with open(config) as file:
        fp8 = "quantization_config" in json.load(file)
    return [("f32", architectures)] + ([("w8a8", architectures[1:])] if fp8 else [])


failed = 0
for config in configs:
    for policy, names in policies(config):
        with tempfile.TemporaryDirectory() as folder:
            bundle = os.path.join(folder, "bundle")
            done = subprocess.run([compiler, "--config", config, "--policy", policy, "--target=cuda",
                                   "--arch=" + ",".join(names), "--precompile", "-o", bundle],
                                  capture_output=True, text=True)
            if "expected NVRTC" in done.stderr:
                print("skipped: " + done.stderr.strip())
                sys.exit(77)
            if done.returncode != 0:
                print(f"{config}, {policy}: exit status {done.returncode}\n{done.stderr}")
                failed += 1
                continue
            cubins = os.listdir(os.path.join(bundle, "cubins"))
            texts = sum(open(os.path.join(bundle, name + ".cu")).read().count("\n//===- kernel ") for name in names)
            print(f"{config}, {policy}: {texts} kernels, {len(cubins)} compiled")
            # Kernels of equal text would share a file; names are part of the text.
            failed += len(cubins) != texts or texts == 0
sys.exit(failed != 0)
