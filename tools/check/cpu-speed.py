#!/usr/bin/env python3
"""Measures what docs/performance.md says of CPUs: a line for each work and variant, as a table.

usage: cpu-speed.py BIN FOLDER [--config FILE] [--variants V,...] [--works W,...] [--repeat N]
BIN has dsv3-run and dsv3-compile. Bundles, and for `load` a checkpoint of made-up BF16 weights, are
kept in FOLDER. Without --config it is models/moe-3b/config.json. The last column says what is
wanted. Every line is one run of `dsv3-run bench --json`, beside the machine in the same minutes.
"""
import argparse
import json
import os
import random
import struct
import subprocess
import sys

FP8 = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
       "weight_block_size": [128, 128]}
INT8, INT4 = ["--weights=int8"], ["--weights=int4", "--head=int8"]
NARROW = ["--activations=int8"]
BUNDLES = {"M": [], "MF": [], "M8": INT8 + ["--head=int8"], "M8A": INT8 + ["--head=int8"] + NARROW,
           "M4": INT4, "M4A": INT4 + NARROW, "A8": INT8 + NARROW, "A16": ["--activations=bf16"]}
DECODE = ["--prompt-tokens=0", "--generate-tokens=24"]
DEEP = DECODE + ["--depth=4096"]
ROWS = ["--prompt-tokens=0", "--generate-tokens=6"]
PREFILL = ["--generate-tokens=0", "--prompt-tokens=512"]


def spread(found, scale=100):
    return (f"{scale * found['median']:.0f} ({scale * found['least']:.0f} to "
            f"{scale * found['most']:.0f})")


class Machine:
    """Runs of one variant, kept so that one can be compared with another."""

    def __init__(self, options, variant):
        self.options, self.variant, self.runs = options, variant, {}

    def config(self, name):
        if name != "MF":
            return self.options.config
        path = os.path.join(self.options.folder, "fp8.json")
        with open(self.options.config) as file:
            config = dict(json.load(file), quantization_config=FP8)
        with open(path, "w") as file:
            json.dump(config, file)
        return path

    def bundle(self, name):
        path = os.path.join(self.options.folder, name)
        if not os.path.exists(path):
            self.call("dsv3-compile", "--config", self.config(name), *BUNDLES[name], "-o", path)
        return path

    def call(self, program, *arguments):
        result = subprocess.run([os.path.join(self.options.bin, program), *arguments],
                                capture_output=True, text=True)
        if result.returncode:
            sys.exit(f"{program} {' '.join(arguments)}: {result.stderr}")
        return result.stdout

    def bench(self, name, *arguments):
        key = (name, *arguments)
        if key not in self.runs:
            narrow = {"M8A": "-vnni", "M4A": "-vnni", "A8": "-vnni", "A16": "-bf16"}
            suffix = narrow.get(name, "") if self.variant == "x86-64-v4" else ""
            source = ["--model", checkpoint(self.options)] if name == "C" else [
                "--model", self.bundle(name), "--dummy"]
            self.runs[key] = json.loads(self.call(
                "dsv3-run", "bench", "--json", "--repeat", str(self.options.repeat), *source,
                "--variant", self.variant + suffix, *arguments))
        return self.runs[key]


def checkpoint(options):
    """A folder with random BF16 weights of the config's shape; written once."""
    folder = os.path.join(options.folder, "checkpoint")
    if os.path.exists(os.path.join(folder, "config.json")):
        return folder
    os.makedirs(folder, exist_ok=True)
    with open(options.config) as file:
        text = file.read()
    generator = random.Random(1)
    values = [struct.unpack("<I", struct.pack("<f", generator.gauss(0, 0.02)))[0] >> 16
              for _ in range(1 << 16)]
    block = struct.pack(f"<{len(values)}H", *values)
    header, end = {}, 0
    for name, shape in tensors(json.loads(text)):
        wide = name.endswith("bias")
        size = 4 if wide else 2
        for length in shape:
            size *= length
        header[name] = {"dtype": "F32" if wide else "BF16", "shape": shape,
                        "data_offsets": [end, end + size]}
        end += size
    packed = json.dumps(header).encode()
    packed += b" " * (-len(packed) % 8)
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(packed)) + packed)
        for name, tensor in header.items():
            begin, stop = tensor["data_offsets"]
            one = b"\0" if name.endswith("bias") else b"\x80\x3f" if "norm" in name else block
            whole, rest = divmod(stop - begin, len(one))
            for _ in range(whole) if len(one) > 2 else ():
                file.write(one)
            file.write(one * whole if len(one) <= 2 else one[:rest])
    with open(os.path.join(folder, "config.json"), "w") as file:
        file.write(text)
    return folder


def tensors(config):
    """Names and shapes of a checkpoint of the published form, without the MTP module."""
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    latent, q_rank = config["kv_lora_rank"], config["q_lora_rank"]
    nope, rope, value = (config[key] for key in ("qk_nope_head_dim", "qk_rope_head_dim",
                                                 "v_head_dim"))

    def mlp(prefix, width):
        yield prefix + "gate_proj.weight", [width, hidden]
        yield prefix + "up_proj.weight", [width, hidden]
        yield prefix + "down_proj.weight", [hidden, width]

    yield "model.embed_tokens.weight", [config["vocab_size"], hidden]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", [hidden]
        yield prefix + "post_attention_layernorm.weight", [hidden]
        attention = prefix + "self_attn."
        yield attention + "q_a_proj.weight", [q_rank, hidden]
        yield attention + "q_a_layernorm.weight", [q_rank]
        yield attention + "q_b_proj.weight", [heads * (nope + rope), q_rank]
        yield attention + "kv_a_proj_with_mqa.weight", [latent + rope, hidden]
        yield attention + "kv_a_layernorm.weight", [latent]
        yield attention + "kv_b_proj.weight", [heads * (nope + value), latent]
        yield attention + "o_proj.weight", [hidden, heads * value]
        if layer < config["first_k_dense_replace"]:
            yield from mlp(prefix + "mlp.", config["intermediate_size"])
            continue
        experts, width = config["n_routed_experts"], config["moe_intermediate_size"]
        yield prefix + "mlp.gate.weight", [experts, hidden]
        yield prefix + "mlp.gate.e_score_correction_bias", [experts]
        yield from mlp(prefix + "mlp.shared_experts.", width * config["n_shared_experts"])
        for expert in range(experts):
            yield from mlp(f"{prefix}mlp.experts.{expert}.", width)
    yield "model.norm.weight", [hidden]
    yield "lm_head.weight", [config["vocab_size"], hidden]


def decoding(name, wanted):
    def measure(machine):
        found = machine.bench(name, *DECODE)["decode"]
        return (f"{found['tokens_per_second']['median']:.1f} tokens/s, "
                f"{spread(found['bandwidth_fraction'])} % of "
                f"{found['bandwidth']['median'] / 1e9:.0f} GB/s", wanted)
    return measure


def deep(name, wanted):
    def measure(machine):
        # One after the other, whatever ran before: memory changes within minutes.
        machine.runs.pop((name, *DECODE), None)
        empty = machine.bench(name, *DECODE)["decode"]["tokens_per_second"]["median"]
        found = machine.bench(name, *DEEP)["decode"]
        return (f"{100 * found['tokens_per_second']['median'] / empty:.0f} % of the empty cache's "
                f"rate, {spread(found['limit_fraction'])} % of the limits", wanted)
    return measure


def rows(count):
    def measure(machine):
        found = machine.bench("M", *ROWS, f"--batch={count}")["decode"]
        return (f"{found['tokens_per_second']['median']:.1f} tokens/s, "
                f"{spread(found['bandwidth_fraction'])} % of "
                f"{found['bandwidth']['median'] / 1e9:.0f} GB/s", "65 %")
    return measure


def prefill(name, wanted):
    def measure(machine):
        found = machine.bench(name, *PREFILL)["prefill"]
        rate = found["tokens_per_second"]["median"]
        exact = machine.bench("M", *PREFILL)["prefill"]["tokens_per_second"]["median"]
        share = "" if name == "M" else f", {rate / exact:.2f} x BF16's"
        return (f"{rate:.1f} tokens/s, {spread(found['peak_fraction'])} % of "
                f"{found['peak']['median'] / 1e9:.0f} GFLOP/s{share}", wanted)
    return measure


def products(machine):
    found = machine.bench("M", *PREFILL, "--kernels")
    kernels = [kernel for kernel in found["kernels"][-1]["kernels"] if "gemm" in kernel["family"]]
    rate = sum(kernel["flops"] for kernel in kernels) / sum(kernel["seconds"] for kernel in kernels)
    peak = found["machine"]["fma_peak"]["median"]
    return f"{rate / 1e9:.0f} GFLOP/s, {100 * rate / peak:.0f} % of {peak / 1e9:.0f}", "80 %"


def load(where, wanted):
    def measure(machine):
        # A process loads once; of several the first may wait for the host's memory.
        found = []
        for _ in range(machine.options.repeat):
            machine.runs.clear()
            found.append(machine.bench("C", f"--weights-in-place={where}", "--prompt-tokens=0",
                                       "--generate-tokens=1")["load"])
        found.sort(key=lambda load: load["copy_fraction"])
        median = found[len(found) // 2]
        return (f"{median['bytes'] / 1e9:.1f} GB in {median['seconds']:.2f} s, "
                f"{100 * median['copy_fraction']:.0f} ({100 * found[0]['copy_fraction']:.0f} to "
                f"{100 * found[-1]['copy_fraction']:.0f}) % of copying; of what is packed "
                f"{100 * median['copied_fraction']:.0f} %", wanted)
    return measure


WORKS = {
    "bf16": ("decode BF16", decoding("M", "80 %")),
    "bf16a": ("decode BF16, rows of bf16", decoding("A16", "")),
    "fp8": ("decode FP8", decoding("MF", "85 % under 40 GB/s, 70 % above")),
    "int8": ("decode int8", decoding("M8", "75 %")),
    "int8a": ("decode int8, rows of int8", decoding("M8A", "75 %")),
    "int4": ("decode int4", decoding("M4", "65 %")),
    "int4a": ("decode int4, rows of int8", decoding("M4A", "65 %")),
    "deep": ("decode BF16 behind 4096", deep("M", "75 % of the rate")),
    "deep-fp8": ("decode FP8 behind 4096", deep("MF", "65 % of the limits")),
    "deep-int4": ("decode int4 behind 4096", deep("M4", "65 % of the limits")),
    "rows2": ("2 rows at once", rows(2)), "rows4": ("4 rows at once", rows(4)),
    "rows8": ("8 rows at once", rows(8)), "rows16": ("16 rows at once", rows(16)),
    "prefill": ("prefill 512, BF16", prefill("M", "65 %")),
    "products": ("its products alone", products),
    "prefill-fp8": ("prefill 512, FP8", prefill("MF", "0.9 x")),
    "prefill-int8": ("prefill 512, int8, rows of int8", prefill("A8", "1.2 x")),
    "prefill-bf16": ("prefill 512, BF16, rows of bf16", prefill("A16", "")),
    "load": ("loading BF16", load("experts", "60 % of copying")),
    "load-packed": ("loading BF16, all packed", load("none", "")),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("folder")
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--config", default=os.path.join(root, "models/moe-3b/config.json"))
    parser.add_argument("--variants", default="x86-64-v3,x86-64-v4")
    parser.add_argument("--works", default=",".join(WORKS))
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    unknown = [work for work in options.works.split(",") if work not in WORKS]
    if unknown:
        parser.error(f"expected works of {', '.join(WORKS)}, found {unknown[0]}")
    os.makedirs(options.folder, exist_ok=True)
    print("| work | variant | found | wanted |\n|---|---|---|---|")
    for variant in options.variants.split(","):
        machine = Machine(options, variant)
        for work in options.works.split(","):
            if work in ("bf16a", "prefill-bf16") and variant == "x86-64-v3":
                continue  # it has no instruction for them
            what, measure = WORKS[work]
            found, wanted = measure(machine)
            print(f"| {what} | {variant} | {found} | {wanted} |", flush=True)


if __name__ == "__main__":
    main()
