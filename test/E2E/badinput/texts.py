"""Broken tokenizers, sampling defaults, templates, messages and ids."""
import json
import os
import resource

from .checkpoints import json_with


def check(bench):
    tokenizers(bench)
    sampling_defaults(bench)
    chat_templates(bench)
    template_files(bench)
    ids(bench)


def tokenizers(bench):
    whole = json.loads(open(os.path.join(bench.nano, "tokenizer.json"), encoding="utf-8").read())

    def refused(name, *words, text=None, **changes):
        content = json.dumps({**whole, **changes}) if text is None else text
        model = bench.model(tokenizer=content)
        bench.refuses(f"tokenizer: {name}", ["run", "tokenize", "--model", model], "tokenizer.json", *words,
                      data=b"Hello")

    refused("cut off", "JSON", text=json.dumps(whole)[:5000])
    refused("empty", "JSON", text="")
    refused("a list", "expected", text="[]")
    deep = "[" * 10**6 + "]" * 10**6
    refused("nested", "nested more than 200 deep", text='{"model": ' + deep + "}")
    refused("no model", "model", model=None)
    refused("WordPiece", "`WordPiece`", model={**whole["model"], "type": "WordPiece"})
    refused("vocabulary is a list", "vocab", model={**whole["model"], "vocab": []})
    refused("id of text", "vocab", model={**whole["model"], "vocab": {"a": "b"}})
    refused("negative id", "-4", model={**whole["model"], "vocab": {**whole["model"]["vocab"], "qqqq": -4}})
    refused("id of 2^40", str(2**40),
            model={**whole["model"], "vocab": {**whole["model"]["vocab"], "qqqq": 2**40}})
    refused("merge of unknown parts", "merges",
            model={**whole["model"], "merges": [["no such", "token"]] + whole["model"]["merges"]})
    refused("merge of one part", "merges", model={**whole["model"], "merges": [["a"]]})
    refused("added token without content", "content", added_tokens=[{"id": 5}])
    split = {"type": "Split", "pattern": {"Regex": "(unclosed"}, "behavior": "Isolated", "invert": False}
    refused("pattern", "(unclosed", pre_tokenizer={"type": "Sequence", "pretokenizers": [split]})
    refused("unknown normalizer", "`NFKC`", normalizer={"type": "NFKC"})
    # Said before anything is compiled: with a cache that nobody may write, nothing could be.
    model = bench.model(tokenizer=None)
    generate = ["run", "generate", "--model", model, "--rebuild"]
    nowhere = {"env": {"XDG_CACHE_HOME": "/proc/self"}}
    bench.refuses("tokenizer: none (--prompt)", [*generate, "--prompt", "Hello"], "tokenizer.json", "--ids", **nowhere)
    bench.refuses("tokenizer: none (--chat)", [*generate, "--chat", "Hello"], "tokenizer.json", "--ids", **nowhere)
    bench.refuses("tokenizer: none (--stop)", [*generate, "--ids", "0", "--stop", "x"], "tokenizer.json",
                  "--stop", **nowhere)
    plain = bench.model(config=json_with(bench.nano, "config.json", num_nextn_predict_layers=0), weights=None)
    bench.refuses("mtp: none", ["run", "score", "--model", plain, "--dummy", "--rebuild", "--ids", "0,5", "--mtp",
                                "--output", "x"], "--mtp", "the model has none", "hint: ", **nowhere)
    bench.refuses("mtp: none (interpret)", ["interpret", "score", "--model", plain, "--dummy", "--ids", "0,5", "--mtp",
                                            "--output", "x"], "--mtp", "the model has none", "hint: ")
    bench.refuses("prompt: too long, before compiling", ["run", "generate", "--model", bench.nano, "--rebuild", "--ids",
                                                         "1,2,3", "--context", "2"], "3 tokens", **nowhere)
    for command in [["tokenize"], ["detokenize"]]:
        if bench.wanted(f"{command[0]}: endless"):
            with open("/dev/zero", "rb") as endless:
                bench.refuses(f"{command[0]}: endless", ["run", *command, "--model", bench.nano], "stdin",
                              "expected at most 268435456 bytes", "hint: ", data=None, stdin=endless)
    bench.refuses("render: endless", ["run", "render", "--model", bench.nano, "--messages", "/dev/zero"], "/dev/zero",
                  "expected a file")
    bench.refuses("tokenizer: none (tokenize)", ["run", "tokenize", "--model", model], "tokenizer.json")
    bench.refuses("tokenizer: no folder", ["run", "tokenize", "--model", bench.missing], bench.missing)
    for data in [b"1,x", b"-3", b"99999999999", b"[1,", b"1.5"]:
        bench.refuses(f"detokenize {data}", ["run", "detokenize", "--model", bench.nano], "stdin",
                      "expected token ids", data=data)
    bench.refuses("detokenize a long word", ["run", "detokenize", "--model", bench.nano], "found '" + 60 * "[" + "…'",
                  data=b"[" * 100000, without=61 * "[")
    for ids, found in [(b"5,1542", b"1542"), (b"2147483647", b"2147483647")]:
        bench.refuses(f"detokenize {ids}", ["run", "detokenize", "--model", bench.nano], "stdin",
                      "vocabulary of 1542", f"found {found.decode()}", data=ids)
    def little():
        resource.setrlimit(resource.RLIMIT_AS, (100 << 20, 100 << 20))
    bench.refuses("tokenizer: text that does not fit in memory", ["run", "tokenize", "--model", bench.nano],
                  "not enough memory", "hint: ", data=bytes(100 << 20), preexec_fn=little)
    broken = bench.model(tokenizer_config='{"chat_template": ')
    bench.refuses("tokenizer_config: cut off", ["run", "generate", "--model", broken, "--prompt", "x"],
                  "tokenizer_config.json", "JSON")


def sampling_defaults(bench):
    def refused(name, text, *words):
        bench.refuses(f"generation_config: {name}",
                      ["run", "generate", "--model", bench.model(generation_config=text), "--ids", "0"],
                      "generation_config.json", *words)

    refused("cut off", '{"temperature": ', "JSON", "hint: ")
    refused("a list", "[]", "expected an object")
    refused("temperature", '{"temperature": -1}', "temperature", "-1")
    refused("top_p", '{"top_p": 1.5}', "top_p", "1.5")
    refused("top_k", '{"top_k": "many"}', "top_k", "'many'")
    refused("eos", '{"eos_token_id": [1, -7]}', "eos_token_id", "-7")


def chat_templates(bench):
    def refused(name, template, *words):
        model = bench.model(tokenizer_config=json_with(bench.nano, "tokenizer_config.json",
                                                       chat_template=template))
        bench.refuses(f"chat template: {name}", ["run", "generate", "--model", model, "--chat", "Hi"], *words)

    refused("syntax", "a\n{% if %}\n", "line 2", "chat")
    refused("not closed", "a\n\n{% for m in messages %}\nb", "line")
    refused("unknown tag", "{% widget %}", "line 1", "widget")
    refused("raise_exception", "\n\n{{ raise_exception('no such role') }}", "no such role", "line 3")
    refused("undefined", "{{ nothing.at.all }}", "line 1", "nothing")
    refused("type", "{{ 'a' + 1 }}", "line 1")
    refused("division by zero", "{{ 1 // 0 }}", "line 1", "zero")
    refused("endless", "{% for a in range(10**9) %}{% for b in range(10**9) %}x{% endfor %}{% endfor %}",
            "line 1")
    refused("missing", None, "chat template", "--prompt")
    refused("a number", 7, "`chat_template` must be")


def template_files(bench):
    folder, deep = bench.folder(keep=True), "[" * 10**6 + "]" * 10**6
    for name, text in [("good", "{{ a }}"), ("bad", "line one\n{{ a"), ("json", '{"a": 1}'),
                       ("cut", '{"a": '), ("list", "[1]"), ("long", "{{ " + "-" * 10**6 + "1 }}"),
                       ("deep", '[{"content": ' + deep + "}]"), ("messages", '[{"role": "user"}]'), ("object", "{}")]:
        bench.put(f"{folder}/{name}", text)

    def refused(name, template, context, *words):
        bench.refuses(f"render: {name}", ["run", "render", "--template", f"{folder}/{template}", "--context",
                                          f"{folder}/{context}"], *words)

    refused("syntax", "bad", "json", f"{folder}/bad", "line 2")
    refused("long expression", "long", "json", f"{folder}/long", "line 1", "nested too deeply")
    refused("context is cut off", "good", "cut", f"{folder}/cut", "JSON")
    refused("context is a list", "good", "list", f"{folder}/list", "expected an object")
    refused("no template", "none", "json", f"{folder}/none", "no such file")
    refused("no context", "good", "none", f"{folder}/none", "no such file")
    for name, word in [("cut", "JSON"), ("deep", "nested more than 200 deep"),
                       ("object", "expected a list of messages"), ("none", "no such file")]:
        bench.refuses(f"render: messages {name}", ["run", "render", "--model", bench.nano, "--messages",
                                                   f"{folder}/{name}"], f"{folder}/{name}", word)
    bench.refuses("render: hint for messages that were written by hand",
                  ["run", "render", "--model", bench.nano, "--messages", f"{folder}/cut"],
                  "hint: mend the file")
    bench.refuses("render: message without content", ["run", "render", "--model", bench.nano, "--messages",
                                                      f"{folder}/messages"], "line 3", "content")


def ids(bench):
    for command in [["run", "generate"], ["run", "score", "--output", "x"], ["interpret", "generate"]]:
        name = " ".join(command[:2])
        for given, words in [("0,2048", ["from 0 to 2047", "2048"]), ("2147483647", ["2147483647"]),
                             ("99999999999999999999", ["99999999999999999999"]), ("-1", ["-1"]),
                             ("1,x,3", ["x"]), ("1.5", ["1.5"]), ("", [])]:
            bench.refuses(f"ids: {given!r} ({name})", [*command, "--model", bench.nano, f"--ids={given}"],
                          "ids", *words)
