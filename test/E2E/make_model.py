"""Writes small random checkpoints of the DeepSeek-V3 family: every size, type and option by choice.

    make_model.write(DIR, {"hidden_size": 100, "tie_word_embeddings": True}, stored="F16", shards=2)

The numbers are scaled so that logits and routing have spread, and depend on the seed alone. There
is no tokenizer: such a model is used by ids.
"""
import json
import math
import os

import numpy

YARN = {"type": "yarn", "factor": 40, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
        "mscale_all_dim": 1.0, "original_max_position_embeddings": 64}
BASE = {
    "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3",
    "attention_bias": False, "bos_token_id": 0, "eos_token_id": 1, "hidden_act": "silu",
    "max_position_embeddings": 512,
    "moe_layer_freq": 1, "norm_topk_prob": True, "rms_norm_eps": 1e-6, "rope_theta": 10000,
    "rope_scaling": YARN, "routed_scaling_factor": 2.5, "scoring_func": "sigmoid",
    "tie_word_embeddings": False, "topk_method": "noaux_tc", "torch_dtype": "bfloat16",
    "num_nextn_predict_layers": 1, "vocab_size": 97, "hidden_size": 64, "intermediate_size": 96,
    "moe_intermediate_size": 32, "num_hidden_layers": 2, "first_k_dense_replace": 1,
    "num_attention_heads": 4, "q_lora_rank": 48, "kv_lora_rank": 32, "qk_nope_head_dim": 16,
    "qk_rope_head_dim": 8, "v_head_dim": 24, "n_routed_experts": 8, "n_shared_experts": 1,
    "num_experts_per_tok": 3, "n_group": 4, "topk_group": 2,
}
TORCH = {"BF16": "bfloat16", "F16": "float16", "F32": "float32"}


def config_of(overrides, stored="BF16", block=None, ue8m0=False):
    """The config.json of a model; `block` makes its projections FP8."""
    config = dict(BASE, torch_dtype=TORCH[stored])
    config.update(overrides)
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    if block:
        config["quantization_config"] = {
            "quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic",
            "weight_block_size": list(block), **({"scale_fmt": "ue8m0"} if ue8m0 else {})}
    return config


def e4m3_values():
    """The value of each of the codes 0 to 126; higher ones are NaN or negative."""
    code = numpy.arange(127)
    exponent, mantissa = code >> 3, code & 7
    return numpy.where(exponent == 0, mantissa / 8 * 2.0**-6,
                       (1 + mantissa / 8) * 2.0 ** (exponent - 7.0))


def as_fp8(weight, block, ue8m0):
    """Codes and the scale of each block; a ragged edge has blocks of its own."""
    rows, columns = weight.shape
    n, k = -(-rows // block[0]), -(-columns // block[1])
    padded = numpy.zeros((n * block[0], k * block[1]))
    padded[:rows, :columns] = weight
    tiles = padded.reshape(n, block[0], k, block[1])
    scales = numpy.maximum(numpy.abs(tiles).max(axis=(1, 3)), 1e-4) / 448
    if ue8m0:
        scales = 2.0 ** numpy.ceil(numpy.log2(scales))
    scales = scales.astype("<f4")
    scaled = (tiles / scales[:, None, :, None]).reshape(padded.shape)[:rows, :columns]
    values = e4m3_values()
    codes = numpy.searchsorted((values[1:] + values[:-1]) / 2, numpy.abs(scaled)).astype("u1")
    return codes | (numpy.signbit(scaled).astype("u1") << 7), scales


def stored_as(array, stored):
    """The bytes of an array in a type of safetensors."""
    if stored != "BF16":
        return array.astype({"F16": "<f2", "F32": "<f4"}[stored]).tobytes()
    bits = array.astype("<f4").view("<u4").astype("u8")
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()


class Model:
    """Makes the tensors of a config: name to (type, shape, bytes), in the model's order."""

    def __init__(self, config, stored, block, ue8m0, seed, bias, ties):
        self.config, self.stored, self.block, self.ue8m0 = config, stored, block, ue8m0
        self.bias, self.ties = bias, ties
        self.random = numpy.random.default_rng(seed)
        self.tensors = {}

    def add(self, name, array, stored=None):
        stored = stored or self.stored
        self.tensors[name] = (stored, list(array.shape), stored_as(array, stored))

    def norm(self, name, size):
        self.add(name + ".weight", 1 + 0.15 * self.random.standard_normal(size))

    def linear(self, name, rows, columns, gain=1.0, quantise=True):
        weight = self.random.standard_normal((rows, columns)) * gain / math.sqrt(columns)
        weight[self.random.integers(rows, size=max(1, rows // 64))] *= 3  # unequal blocks
        if not (self.block and quantise):
            self.add(name + ".weight", weight)
            return
        codes, scales = as_fp8(weight, self.block, self.ue8m0)
        self.tensors[name + ".weight"] = ("F8_E4M3", list(codes.shape), codes.tobytes())
        self.add(name + ".weight_scale_inv", scales, "F32")

    def mlp(self, name, width):
        hidden = self.config["hidden_size"]
        self.linear(name + ".gate_proj", width, hidden)
        self.linear(name + ".up_proj", width, hidden)
        self.linear(name + ".down_proj", hidden, width, 0.6)

    def attention(self, name):
        c = self.config
        heads, query = c["num_attention_heads"], c["q_lora_rank"]
        width = heads * (c["qk_nope_head_dim"] + c["qk_rope_head_dim"])
        if query:
            self.linear(name + ".q_a_proj", query, c["hidden_size"])
            self.norm(name + ".q_a_layernorm", query)
            self.linear(name + ".q_b_proj", width, query, 1.3)
        else:
            self.linear(name + ".q_proj", width, c["hidden_size"], 1.3)
        self.linear(name + ".kv_a_proj_with_mqa", c["kv_lora_rank"] + c["qk_rope_head_dim"],
                    c["hidden_size"])
        self.norm(name + ".kv_a_layernorm", c["kv_lora_rank"])
        self.linear(name + ".kv_b_proj", heads * (c["qk_nope_head_dim"] + c["v_head_dim"]),
                    c["kv_lora_rank"], 1.6)
        self.linear(name + ".o_proj", c["hidden_size"], heads * c["v_head_dim"], 0.7)

    def layer(self, index, moe):
        c, name = self.config, f"model.layers.{index}"
        self.norm(name + ".input_layernorm", c["hidden_size"])
        self.attention(name + ".self_attn")
        self.norm(name + ".post_attention_layernorm", c["hidden_size"])
        if not moe:
            self.mlp(name + ".mlp", c["intermediate_size"])
            return
        experts, hidden = c["n_routed_experts"], c["hidden_size"]
        gate = self.random.standard_normal((experts, hidden)) * 2 / math.sqrt(hidden)
        bias = self.bias + 0.08 * self.random.standard_normal(experts)
        if self.ties:
            gate[1::2], bias[1::2] = gate[0::2], bias[0::2]
        self.add(name + ".mlp.gate.weight", gate)
        self.add(name + ".mlp.gate.e_score_correction_bias", bias, "F32")
        for expert in range(experts):
            self.mlp(f"{name}.mlp.experts.{expert}", c["moe_intermediate_size"])
        if c["n_shared_experts"]:
            self.mlp(name + ".mlp.shared_experts",
                     c["moe_intermediate_size"] * c["n_shared_experts"])

    def model(self):
        c = self.config
        vocabulary, hidden, layers = c["vocab_size"], c["hidden_size"], c["num_hidden_layers"]
        has_experts = bool(c["n_routed_experts"])
        self.add("model.embed_tokens.weight", self.random.standard_normal((vocabulary, hidden)))
        for index in range(layers):
            self.layer(index, has_experts and index >= c["first_k_dense_replace"])
        self.norm("model.norm", hidden)
        if not c["tie_word_embeddings"]:
            self.linear("lm_head", vocabulary, hidden, quantise=False)
        if c["num_nextn_predict_layers"]:
            name = f"model.layers.{layers}"
            self.layer(layers, has_experts)
            self.norm(name + ".enorm", hidden)
            self.norm(name + ".hnorm", hidden)
            self.linear(name + ".eh_proj", hidden, 2 * hidden, quantise=False)
            self.norm(name + ".shared_head.norm", hidden)
        return self.tensors


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, (stored, shape, data) in tensors.items():
        place = [offset, offset + len(data)]
        header[name] = {"dtype": stored, "shape": shape, "data_offsets": place}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, _, data in tensors.values():
            file.write(data)


def read_safetensors(path):
    """The tensors of a file of numbers that numpy knows, by name."""
    types = {"F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header, data = json.loads(file.read(size)), file.read()
    result = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            array = numpy.frombuffer(data[begin:end], types[entry["dtype"]])
            result[name] = array.reshape(entry["shape"])
    return result


def write(directory, overrides, stored="BF16", block=None, ue8m0=False, shards=1, seed=1, bias=0.0,
          ties=False):
    """Writes a checkpoint directory and returns its config.

    `stored`: BF16, F16 or F32; `block`: rows and columns of a block of FP8 weights; `bias`: what
    the router's bias is moved by; `ties`: experts come in pairs that the router scores alike.
    """
    config = config_of(overrides, stored, block, ue8m0)
    tensors = Model(config, stored, block, ue8m0, seed, bias, ties).model()
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file, indent=2)
    names = list(tensors)
    places = {}
    for shard in range(shards):
        part = names[shard * len(names) // shards:(shard + 1) * len(names) // shards]
        file = (f"model-{shard + 1:05d}-of-{shards:05d}.safetensors" if shards > 1
                else "model.safetensors")
        write_safetensors(os.path.join(directory, file), {name: tensors[name] for name in part})
        places.update(dict.fromkeys(part, file))
    if shards > 1:
        size = sum(len(data) for _, _, data in tensors.values())
        with open(os.path.join(directory, "model.safetensors.index.json"), "w") as file:
            json.dump({"metadata": {"total_size": size}, "weight_map": places}, file)
    return config
