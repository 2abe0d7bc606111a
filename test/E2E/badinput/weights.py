"""Damaged safetensors files and checkpoints whose tensors are not those of their configuration."""
import json
import struct

from .checkpoints import Weights, config_with, file_of

NAN_CODES = [b"\x7f", b"\xff"]
DOWN = "model.layers.0.mlp.down_proj.weight"
UP = "model.layers.0.mlp.up_proj.weight"
BIAS = "model.layers.1.mlp.gate.e_score_correction_bias"
NORM = "model.norm.weight"
SCALE = DOWN + "_scale_inv"


def check(bench):
    weights = Weights(bench.nano)

    def refused(name, content, *words, config=None):
        files = {"weights": content, **({"config": config} if config else {})}
        bench.refuses("weights: " + name,
                      ["compile", "--model", bench.model(**files), "-o", "bundle"],
                      "model.safetensors", *words)

    damaged_files(weights, refused)
    damaged_headers(weights, refused)
    wrong_tensors(bench, weights)
    shards(bench, weights)
    bad_values(bench, weights)


def damaged_files(weights, refused):
    whole, size = weights.bytes, len(weights.bytes)
    head = size - len(weights.data)
    refused("empty", b"", "found one of 0 bytes")
    refused("five bytes", whole[:5], "found one of 5 bytes")
    refused("cut off in the header", whole[:head // 2],
            f"the header claims {head - 8} bytes, but the file has {head // 2}", "hint: ")
    refused("cut off after the header", whole[:head], "the file holds only 0 bytes", "hint: ")
    refused("cut off in the data", whole[:-1000], f"the file holds only {len(weights.data) - 1000}",
            "cut off; fetch it again")
    refused("something appended", whole + b"x" * 10, "the tensors end at data byte",
            f"the file holds {len(weights.data) + 10} bytes")
    refused("Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "Git LFS pointer", "git lfs pull")
    refused("text", "<html>404 Not Found</html>" * 40, "is this a safetensors file?")
    refused("header of 2^64 - 1 bytes", b"\xff" * 8 + whole[8:], "18446744073709551615 bytes, at most")
    refused("header of 2^63 bytes", (1 << 63).to_bytes(8, "little") + whole[8:], "at most")
    refused("header as long as is allowed", (100_000_000).to_bytes(8, "little") + whole[8:],
            "the header claims 100000000 bytes", str(size))
    refused("header a byte longer", (head - 7).to_bytes(8, "little") + whole[8:], "not JSON")
    refused("header of length 0", (0).to_bytes(8, "little") + whole[8:], "begin with '{'")


def damaged_headers(weights, refused):
    header, data = weights.header, weights.data
    begin, end = header[DOWN]["data_offsets"]

    def edited(name, *words, **fields):
        refused(name, weights.edited(DOWN, **fields), DOWN, *words, "hint: ")

    refused("header is no JSON", file_of(b'{"a": ' + b"\xfe" * 30, data), "header is not JSON", "hint: ")
    refused("header is a list", file_of("[1, 2, 3]", data), "expected the header to begin with '{'")
    refused("deeply nested header", file_of('{"a":' * 200000, data), "field 'a'")
    double = json.dumps({DOWN: header[DOWN]})[1:-1]
    refused("tensor twice", file_of("{" + double + "," + json.dumps(header)[1:], data), DOWN)
    edited("unknown field", "has a field 'offsets'", offsets=[0, 1])
    edited("offsets beyond the file", f"[{begin}, {end + 10**12}]", "the file holds only",
           data_offsets=[begin, end + 10**12])
    edited("offsets backwards", "end before they begin", data_offsets=[end, begin])
    edited("negative offset", "found a negative number", data_offsets=[-1, end])
    edited("one offset", "found a list of 1", data_offsets=[begin])
    edited("offset of 2^64 - 1", "18446744073709551615", data_offsets=[begin, 2**64 - 1])
    edited("offset of 2^80", "found a number of 2^64 or more", data_offsets=[begin, 2**80])
    edited("offset of 2^64", "found a number of 2^64 or more", data_offsets=[begin, 2**64])
    edited("offset that is a fraction", "found a fraction", data_offsets=[begin, end + 0.5])
    edited("offset of -2^80", "found a negative number", data_offsets=[-2**80, end])
    edited("shape times type is not the span", "[512, 640]", str(512 * 640), shape=[512, 640])
    edited("shape that overflows", "cannot be computed", shape=[2**40, 2**40])
    edited("negative dimension", "found a negative number", shape=[-256, 640])
    edited("dimension of 2^63", "has a dimension of 9223372036854775808", shape=[2**63])
    edited("shape of text", "found a text", shape=["256"])
    edited("dtype is a number", "expected dtype", dtype=3)
    other = header[UP]["data_offsets"]
    refused("overlap", weights.edited(UP, data_offsets=[other[0] - 16, other[1] - 16]), "overlaps",
            UP, "hint: ")
    refused("hole", file_of({DOWN: {**header[DOWN], "data_offsets": [16, 16 + end - begin]}},
                            b"\0" * (16 + end - begin)), "belong to no tensor", DOWN)


def wrong_tensors(bench, weights):
    tensors = weights.tensors

    def refused(name, changed, *words, **config):
        kept = {key: value for key, value in {**tensors, **changed}.items() if value is not None}
        files = {"config": config_with(bench.nano, **config)} if config else {}
        model = bench.model(weights=Weights.packed(kept), **files)
        bench.refuses("tensors: " + name, ["run", "generate", "--model", model, "--ids", "0,5"], model,
                      *words, "hint: ")

    dtype, shape, content = tensors[DOWN]
    refused("missing", {NORM: None}, NORM, "missing")
    many = {name: None for name in tensors if ".layers.2.mlp.experts." in name}
    refused("many missing", many, "model.layers.2.mlp.experts.", "missing")
    refused("missing and left over", {NORM: None, "model.normal.weight": tensors[NORM]}, NORM,
            "model.normal.weight")
    refused("left over", {"model.layers.9.odd": tensors[NORM]}, "model.layers.9.odd")
    refused("shape", {DOWN: (dtype, shape[::-1], content)}, DOWN, "[256, 640]", "[640, 256]")
    refused("rank", {DOWN: (dtype, [shape[0] * shape[1]], content)}, DOWN, "[163840]")
    refused("integers", {DOWN: ("I8", shape, content)}, DOWN, "I8")
    refused("unknown type", {DOWN: ("Q4_K", shape, content)}, DOWN, "Q4_K")
    refused("scales without weight", {DOWN: None}, DOWN)
    refused("no scales", {SCALE: None}, SCALE)
    refused("shape of scales", {SCALE: ("F32", [5, 2], tensors[SCALE][2])}, SCALE, "[5, 2]", "[2, 5]")
    refused("type of scales", {SCALE: ("I32", *tensors[SCALE][1:])}, SCALE, "I32")
    refused("more layers in config.json", {}, "model.layers.5", num_hidden_layers=6)
    refused("another width in config.json", {}, "[640, 256]", intermediate_size=768)
    some = next(name for name in tensors if name.startswith("model.layers.5."))
    refused("part of the MTP module", {some: None}, some)


def shards(bench, weights):
    half = len(weights.tensors) // 2
    items = list(weights.tensors.items())
    parts = {"model-00001-of-00002.safetensors": dict(items[:half]),
             "model-00002-of-00002.safetensors": dict(items[half:])}
    index = {name: file for file, part in parts.items() for name in part}

    def refused(name, *words, without="", mapped=None, text=None):
        model = bench.model(weights=None)
        for file, part in parts.items():
            if file != without:
                bench.put(f"{model}/{file}", Weights.packed(part))
        whole = {"metadata": {}, "weight_map": index if mapped is None else mapped}
        bench.put(f"{model}/model.safetensors.index.json", json.dumps(whole) if text is None else text)
        bench.refuses("shards: " + name, ["compile", "--model", model, "--plan-only"], *words)

    refused("missing", "model-00002-of-00002.safetensors", "fetch the missing shards",
            without="model-00002-of-00002.safetensors")
    refused("tensor that no shard has", "model.layers.0.ghost", "but it is not", "hint: ",
            mapped={**index, "model.layers.0.ghost": "model-00001-of-00002.safetensors"})
    refused("tensor in the other shard", items[0][0], "but it is not",
            mapped={**index, items[0][0]: "model-00002-of-00002.safetensors"})
    refused("path that leaves the folder", "../x.safetensors", "not a plain file name",
            mapped={**index, items[0][0]: "../x.safetensors"})
    refused("number for a file", "expected weight_map", "3", mapped={**index, items[0][0]: 3})
    refused("empty index", "weight_map is empty", mapped={})
    refused("index without a map", "weight_map", text="{}")
    refused("index that is cut off", "index.json", "JSON", "line ", text='{"weight_map": {"a":')
    bench.refuses("shards: none", ["compile", "--model", bench.model(weights=None), "--plan-only"],
                  "safetensors", "hint: ")


def bad_values(bench, weights):
    """The header is sound; what the bytes mean is not. Said before anything is computed."""
    def refused(name, tensor, content, *words):
        model = bench.model(weights=weights.patched(tensor, content))
        for program in [["run", "generate"], ["interpret", "generate"]]:
            bench.refuses(f"values: {name} ({program[0]})",
                          [*program, "--model", model, "--ids", "0,5"], tensor, *words)

    for code in NAN_CODES:
        refused(f"code {code.hex()}", DOWN, b"\0\0" + code, "NaN")
    for name, value in [("nan", float("nan")), ("inf", float("inf")), ("-inf", -float("inf")),
                        ("negative", -0.5)]:
        refused(f"{name} scale", SCALE, struct.pack("<f", value),
                "-0.5" if name == "negative" else name.strip("-"))
    refused("nan bias", BIAS, struct.pack("<3f", 0, 0, float("nan")), "NaN", "hint: the file is damaged")
    refused("infinite norm", NORM, b"\x80\xff", "infinity", "hint: the file is damaged")
