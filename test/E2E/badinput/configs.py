"""config.json of another architecture, with absurd sizes or no JSON: refused before anything is compiled."""
import json

from .checkpoints import config_with


def check(bench):
    def refused(name, *words, text=None, **changes):
        folder = bench.folder()
        path = f"{folder}/config.json"
        bench.put(path, config_with(bench.nano, **changes) if text is None else text)
        bench.refuses("config: " + name, ["compile", "--config", path, "-o", "bundle"], path, *words)

    other_architectures(refused)
    absurd_sizes(refused)
    sizes_that_disagree(refused)
    unsupported(bench, refused)
    broken(bench, refused)


def other_architectures(refused):
    refused("Llama", "'llama'", "dsv3 runs DeepseekV3ForCausalLM", model_type="llama",
            architectures=["LlamaForCausalLM"])
    refused("DeepSeek-V2", "'deepseek_v2'", model_type="deepseek_v2")
    refused("architectures of another model", "'Qwen3ForCausalLM'", architectures=["Qwen3ForCausalLM"])
    refused("architectures is a number", "architectures is 7", architectures=7)
    refused("no architecture", "neither architectures nor model_type", architectures=None, model_type=None)


def absurd_sizes(refused):
    for key in ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "kv_lora_rank",
                "q_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim", "n_routed_experts",
                "num_experts_per_tok", "moe_intermediate_size", "intermediate_size",
                "max_position_embeddings"]:
        for value in [2**62, -1]:
            refused(f"{key} {value}", key + ": expected an integer from", f"found {value}", **{key: value})
    for value, found in [(0, "0"), (2**64, "1.8446744073709552e+19"), (1.5, "1.5"), ("9", "the text '9'"),
                         (True, "true"), ([], "a list of 0"), ({}, "an object"), (None, "nothing")]:
        refused(f"hidden_size {value!r}", "hidden_size: expected an integer from", "found " + found,
                hidden_size=value)
    refused("product of sound sizes", "taken for a mistake", vocab_size=2**24, hidden_size=2**20)
    refused("all experts together", "experts in each of", num_hidden_layers=4096, n_routed_experts=65536)
    for value in [0, -1, 1e300, "1e-6"]:
        refused(f"rms_norm_eps {value!r}", "rms_norm_eps: expected a number", rms_norm_eps=value)
    refused("rope_theta 0", "rope_theta: expected a number", "found 0", rope_theta=0)
    refused("routed_scaling_factor NaN", "JSON", text='{"model_type": "deepseek_v3", "x": NaN}')


def sizes_that_disagree(refused):
    refused("odd rotation", "qk_rope_head_dim: is 15", "even", qk_rope_head_dim=15)
    refused("fewer keys than queries", "num_key_value_heads: is 2", "num_attention_heads is 8",
            num_key_value_heads=2)
    refused("experts not in groups", "n_routed_experts: is 16", "n_group (3)", n_group=3)
    refused("more groups taken than there are", "topk_group: is 5", "n_group (4)", topk_group=5)
    refused("more experts taken than the groups hold", "num_experts_per_tok: is 9", "only 8 experts",
            num_experts_per_tok=9)
    refused("several at once", "for 3 reasons", "vocab_size", "n_group", "v_head_dim", vocab_size=0,
            n_group=3, v_head_dim=-2)


def unsupported(bench, refused):
    yarn = {"type": "yarn", "factor": 8, "original_max_position_embeddings": 512}
    for kind in ["llama3", "linear", "dynamic", "longrope"]:
        refused(f"rope type {kind}", "rope_scaling.type: only 'yarn' and 'default'", f"'{kind}'",
                rope_scaling={**yarn, "type": kind})
    refused("rope type is a number", "rope_scaling.type", rope_scaling={**yarn, "type": 4})
    refused("rope factor 0", "rope_scaling.factor: expected a number", rope_scaling={**yarn, "factor": 0})
    refused("rope without factor", "rope_scaling.factor", "found nothing", rope_scaling={"type": "yarn"})
    refused("rope_scaling is a list", "rope_scaling: expected an object", rope_scaling=[])
    refused("softmax router", "scoring_func: only 'sigmoid'", "'softmax'", scoring_func="softmax")
    refused("greedy router", "topk_method: only 'noaux_tc'", "'greedy'", topk_method="greedy")
    refused("other activation", "hidden_act: only 'silu'", "'gelu'", hidden_act="gelu")
    refused("attention biases", "attention_bias: only false", attention_bias=True)
    refused("two MTP modules", "num_nextn_predict_layers", "found 2", num_nextn_predict_layers=2)
    refused("INT4", "quant_method", "'awq'", quantization_config={"quant_method": "awq"})
    refused("block of 0", "weight_block_size", "[0,128]",
            quantization_config={"quant_method": "fp8", "weight_block_size": [0, 128]})
    refused("no blocks", "weight_block_size", "null",
            quantization_config={"quant_method": "fp8", "weight_block_size": None})


def broken(bench, refused):
    text = config_with(bench.nano)
    refused("cut off", "expected JSON", "line 1", "hint: ", text=text[:200])
    refused("cut off in line 3", "expected JSON", "line 3", text='{\n"a": 1,\n"b": ')
    refused("empty", "expected JSON", text="")
    refused("not UTF-8", "expected JSON", text=b'{"model_type": "\xff\xfe"}')
    refused("a list", "expected an object, found a list of 1", text="[1]")
    refused("deeply nested", "nested more than 200 deep", text='{"a":' * 10**5)
    refused("five megabytes", "expected at most 4194304", text='{"a": "' + "x" * (5 << 20) + '"}')
    for program in [["run", "generate", "--ids", "0"], ["run", "generate", "--dummy", "--ids", "0"],
                    ["compile", "-o", "bundle"], ["interpret", "generate", "--ids", "0"]]:
        name = " ".join(program[:3])
        bench.refuses(f"config: missing ({name})", [*program, "--model", bench.model(config=None)],
                      "config.json", "hint: ")
        bench.refuses(f"config: missing folder ({name})", [*program, "--model", bench.missing],
                      bench.missing, "hint: ")
        bench.refuses(f"config: file for a folder ({name})",
                      [*program, "--model", f"{bench.nano}/config.json"], "nano/config.json", "hint: ")
    bench.refuses("config: missing file", ["compile", "--config", "none.json", "--plan-only"], "none.json")
    bench.refuses("config: folder for a file", ["compile", "--config", bench.nano, "--plan-only"],
                  bench.nano, "expected a file")
    bench.refuses("config: the run's own message",
                  ["run", "score", "--output", "x", "--ids", "0", "--model",
                   bench.model(config=json.dumps({"model_type": "gpt2"}))], "'gpt2'")
