"""Flags out of range, prompts longer than the context, places that cannot be written."""
import os
import resource


def check(bench):
    generate = ["run", "generate", "--model", bench.nano, "--ids", "0,5"]
    compile_ = ["compile", "--config", f"{bench.nano}/config.json", "-o", "bundle"]
    interpret = ["interpret", "generate", "--model", bench.nano, "--ids", "0,5"]

    def refused(command, *words):
        """What is wrong whatever the model is ends with 2, what the model does not allow with 1."""
        def one(flag, value, *more, code=2):
            bench.refuses(f"flags: {command[0]} {flag}={value}", [*command, f"{flag}={value}"], *words, *more,
                          code=(code,), without="compiling")
        return one

    run = refused(generate)
    for flag, values in [("--temperature", ["-1", "nan", "inf", "hot"]), ("--top-p", ["1.5", "-1", "nan"]),
                         ("--top-k", ["-1", "x", "1.5"]), ("--min-p", ["1.5", "-0.5", "nan"]),
                         ("--max-tokens", ["-5", "0", "x", "99999999999999999999"]),
                         ("--threads", ["-1", "4096", "x"]), ("--seed", ["x", "-1", "18446744073709551616", "1.5"]),
                         ("--context", ["-1", "x"]), ("--chunk", ["-1", "x"])]:
        for value in values:
            run(flag, value, flag.removeprefix("--"))
    for flag in ["--max-tokens", "--context", "--threads", "--seed", "--top-k", "--temperature"]:
        run(flag, "010", flag, "expected a decimal number without zeros before it, found '010'")
        run(flag, "0x10", flag, "found '0x10'")
    for command, flag in [(["run", "bench", "--model", bench.nano], "--prompt-tokens"),
                          (["run", "cache", "prune"], "--older-than"), (compile_, "--context"),
                          (["compile", "--config", f"{bench.nano}/config.json", "--explain=@embed"], "--tokens"),
                          (interpret, "--max-tokens")]:
        bench.refuses(f"flags: {' '.join(command[:2])} {flag}=010", [*command, f"{flag}=010"], flag,
                      "expected a decimal number", "'010'", code=(2,))
    bench.refuses("flags: run --context beyond the model's", [*generate, "--context=1000000"], "--context", "1000000",
                  "4096", "positions for no more", code=(1,), without="compiling")
    bench.refuses("flags: --config without --dummy", ["run", "generate", "--ids", "0", "--config",
                                                      f"{bench.nano}/config.json"], "no weights", "--plan-only", code=(2,))
    run("--variant", "sparc", "x86-64-v3", "'sparc'")
    for value in ["gpu", "cuda:", "cuda:x", "cuda:-1", "cuda0", "sim:", "sims"]:
        run("--device", value, "cpu, cuda:N, sim or auto", f"'{value}'")
    # Without a driver, and where there is one without a GPU of this number.
    bench.refuses("flags: run --device=cuda:63", [*generate, "--device=cuda:63"], "hint: ")
    run("--dummy-seed", "3", "--dummy")
    for flag, values in [("--weights", ["int5", "INT8"]), ("--head", ["int4", "i8"])]:
        for value in values:
            run(flag, value, "fp8", "int8")
    run("--cache-type", "f8", "f32, bf16 or f16")
    run("--policy", "int3", "f32, bf16 or w8a8")
    run("--sim-seed", "-1", "2^64 - 1")
    for flag in ["--sim-seed=1", "--sim-check"]:
        bench.refuses(f"flags: run {flag} on a CPU", [*generate, flag], flag.split("=")[0], "--device=sim", code=(2,))
    run("--activations", "int4", "f32, bf16 or int8")
    for command in [generate, compile_, interpret]:
        for more, words in [(["--activations=int8"], ["found weights as they are stored", "hint: add --weights=int8"]),
                            (["--activations=int8", "--weights=fp8"], ["found weights of fp8", "hint: add --weights=int8"]),
                            (["--activations=bf16", "--weights=int8"], ["found weights of int8", "hint: take --weights=bf16"]),
                            (["--activations=bf16", "--policy=w8a8"], ["policy w8a8 has activations of its own", "hint: "])]:
            bench.refuses(f"flags: {command[0]} {' '.join(more)}", [*command, *more], "--activations", *words, code=(2,),
                          without="compiling")
    text = bench.put_text("calibration.txt", "Once upon a time")
    for more in [[], ["--weights=int8"]]:
        bench.refuses(f"flags: run --calibration {' '.join(more)}", [*generate, *more, "--calibration", text],
                      f"--calibration {text}", "no weights of this model are encoded as int4", "hint: give --weights=int4",
                      without="compiling")
    bench.refuses("flags: run --calibration --dummy", [*generate, "--weights=int4", "--dummy", "--calibration", text],
                  f"--calibration {text}", "made-up weights", "hint: leave --calibration out", without="compiling")
    run("--parse-special", "true", "--prompt")
    for flag in ["--stop", "--variant", "--model", "--ids"]:
        bench.refuses(f"flags: empty {flag}", [*generate, flag, ""], flag, "hint: ", code=(2,))
    for flag in ["--output", "--config", "--policy", "--explain", "--dump-phases", "--variant"]:
        bench.refuses(f"flags: compile, empty {flag}", [*compile_, flag, ""], flag, "an empty one", code=(2,))
    bench.refuses("flags: bench of nothing", ["run", "bench", "--model", bench.nano, "--prompt-tokens=0",
                                              "--generate-tokens=0"], "a token at least", code=(2,))
    same = os.path.join(bench.out, "same.json")
    for other in [same, os.path.join(bench.out, ".", "same.json")]:
        bench.refuses(f"flags: profile, two outputs in one file, {other}",
                      ["run", "profile", "--model", bench.nano, "--json", same, "--trace", other], "a file of its own",
                      "--trace")
    for pair in [["--plan-only", "--explain=@embed"], ["--plan-only", "--stop-after=graph"],
                 ["--explain=@embed", "--stop-after=fused"]]:
        bench.refuses(f"flags: compile {' '.join(pair)}", ["compile", "--config", f"{bench.nano}/config.json", *pair],
                      "expected one of --plan-only, --explain and --stop-after, found 2", code=(2,))
    bench.refuses("flags: bench --seed=-1", ["run", "bench", "--model", bench.nano, "--seed=-1"], "2^64 - 1")
    run("--no-such-flag", "1", "--no-such-flag", "hint: dsv3-run generate --help")
    compiles = refused(compile_)
    compiles("--context", "4097", "4096", code=1)
    for flag, values in [("--context", ["0", "-1", "x"]), ("--batch", ["0", "99999999999"]),
                         ("--chunk", ["0", "1000000"]), ("--rows", ["0"]), ("--policy", ["int3"]),
                         ("--variant", ["sparc", "x86-64-v3,x86-64-v3"]), ("--stop-after", ["lunch"]),
                         ("--weights", ["int5"]), ("--head", ["int4"]), ("--cache-type", ["f64"]), ("--activations", ["int4"]), ("--target", ["gpu", "cpu,x"])]:
        for value in values:
            compiles(flag, value, value.split(",")[0])
    bench.refuses("flags: int8 activations, weights as stored", [*compile_, "--activations=int8"], "weights of int8 or int4",
                  "--weights=int8 or --weights=int4")
    bench.refuses("flags: bf16 activations, int8 weights", [*compile_, "--activations=bf16", "--weights=int8"],
                  "weights of bf16", "found weights of int8")
    bench.refuses("flags: int8 activations, policy bf16", [*compile_, "--activations=int8", "--weights=int8", "--policy=bf16"],
                  "activations of its own")
    bench.refuses("flags: int8 activations, GPU", [*compile_, "--activations=int8", "--weights=int8", "--target=cuda",
                                                   "--arch=sm_80"], "GPUs have no code for int8 activations")
    gpu = refused([*compile_, "--target=cuda"])
    gpu("--arch", "sm_70", "sm_70", "sm_80 or sm_90a")
    gpu("--arch", "sm_80,sm_80", "each variant once")
    gpu("--variant", "x86-64-v3", "--target=cpu,cuda")
    for more, word in [(["--target=cuda"], "--arch"), (["--arch=sm_80"], "--target"), (["--precompile"], "--target")]:
        bench.refuses(f"flags: compile {more[0]} alone", [*compile_, *more], word, "hint: ")
    for more in [["--plan-only"], ["--stop-after=graph"], ["--explain=@embed"]]:
        bench.refuses(f"flags: compile -o {more[0]}", [*compile_, *more], more[0].split("=")[0], "beside -o",
                      code=(2,))
    bench.refuses("flags: compile --stop-after=lunch", [*compile_, "--stop-after=lunch"],
                  "configured, planned; or emitted, with -o BUNDLE", code=(2,))
    bench.refuses("flags: compile --stop-after=emitted", [*compile_[:-2], "--stop-after=emitted"], "-o BUNDLE",
                  code=(2,))
    interprets = refused(interpret)
    for flag, values in [("--phase", ["lunch", "emitted"]), ("--chunk", ["-1", "x"]), ("--top-p", ["7"]),
                         ("--threads", ["-1", "100000"]), ("--context", ["-1"]),
                         ("--dummy-seed", ["x"])]:
        for value in values:
            interprets(flag, value, value)
    interprets("--context", "4097", "4097", code=1)
    for flag in ["--variant=x86-64-v3", "--rebuild", "--keep-packed", "--verify-packed", "--device=cuda:0", "--device=sim",
                 "--sim-seed=1", "--sim-check"]:
        bench.refuses(f"flags: interpret {flag}", [*interpret, flag], flag.split("=")[0], "the interpreter", code=(2,))
    bench.refuses("flags: interpret --phase=import --weights", [*interpret, "--phase=import", "--weights=int8"],
                  "--weights", "phase graph")
    bench.refuses("flags: compare with itself", ["run", "compare", "--model", bench.nano, "--ids", "0,5"],
                  "compared with itself", "--weights")
    for program in ["run", "interpret"]:
        alone = [program, "generate", "--config", f"{bench.nano}/config.json", "--ids", "0"]
        bench.refuses(f"flags: {program} --config without --dummy", alone, "--config", "--dummy")
        bench.refuses(f"flags: {program} --config beside --model", [*alone, "--dummy", "--model", bench.nano])
    for command in [["run"], ["run", "frobnicate"], ["run", "generate"], [*generate, "--prompt", "x"],
                    ["compile"], ["compile", "--frobnicate"], ["interpret"],
                    ["compile", "--model", bench.nano], ["run", "render"],
                    ["run", "score", "--model", bench.nano, "--ids", "1"]]:
        bench.refuses("flags: " + " ".join(command).replace(bench.nano, "nano"), command, code=(2,))
    for program, word in [("run", "generate, score, tokenize"), ("interpret", "score, generate, run")]:
        bench.refuses(f"flags: {program}, unknown command", [program, "frobnicate"], word, "'frobnicate'", code=(2,))
    for command in [["opt", "--frobnicate"], ["translate", "--frobnicate"]]:
        done = bench.run(*command)
        if bench.wanted(f"flags: {command[0]} --frobnicate") and done.returncode != 2:
            bench.fail(f"flags: {command[0]} --frobnicate", "expected exit code 2", done)
    prompts(bench, generate)
    outputs(bench, generate, compile_)


def prompts(bench, generate):
    long = ",".join(["5"] * 4097)
    for command in [generate[:-2], ["run", "score", "--output", "x", "--model", bench.nano]]:
        bench.refuses(f"prompt: longer than the context ({command[1]})", [*command, "--ids", long], "4097",
                      "4096", "positions for no more")
        bench.refuses(f"prompt: longer than --context ({command[1]})",
                      [*command, "--ids", "1,2,3,4,5", "--context", "4"], "5 tokens", "4", "--context",
                      "up to 4096")
    for program in ["run", "interpret"]:
        for command in [[program, "generate"], [program, "score", "--output", "x"]]:
            one = [*command, "--model", bench.nano, "--ids"]
            bench.refuses(f"prompt: longer than --context ({command[:2]})",
                          [*one, "1,2,3,4,5", "--context", "4"], "5 tokens", "4", "--context")
            bench.refuses(f"prompt: no file of ids ({command[:2]})", [*one, "@none"], "--ids @none",
                          "no such file")
            bench.refuses(f"prompt: file that holds no ids ({command[:2]})",
                          [*one, f"@{bench.nano}/config.json"], "config.json, line 1, token 1", "'{'")
    one = ["interpret", "generate", "--model", bench.nano, "--ids", "0,5"]
    bench.refuses("policy: unknown", [*one, "--policy=w4"], "w4", "f32, bf16 or w8a8")
    bench.refuses("policy: before it is written", [*one, "--policy=bf16", "--phase=import"], "phase graph", "--phase")
    bench.refuses("policy: no code for it", [*one, "--policy=bf16", "--phase=configured"], "policy f32 alone", "bf16")
    empty = bench.put_text("empty.txt", "")
    for flags in [["compare", "--text", empty, "--weights=int8"],
                  ["generate", "--ids=0,5", "--weights=int4", "--calibration", empty]]:
        bench.refuses(f"prompt: empty {flags[1 if flags[0] == 'compare' else 3]}", ["run", *flags, "--model", bench.nano],
                      f"{'--text' if flags[0] == 'compare' else '--calibration'} {empty}", "1 or more tokens, found none",
                      "hint: name a file", without="compiling")
    bench.refuses("prompt: empty ids", [*generate[:-2], "--ids", ","], "found none")


def outputs(bench, generate, compile_):
    score = ["run", "score", "--model", bench.nano, "--ids", "0,5", "--output"]
    interpret = ["interpret", "score", "--phase=import", "--model", bench.nano, "--ids", "0,5", "--output"]
    for command in [score, interpret]:
        def refused(name, output, *words):
            bench.refuses(f"output: {name} ({command[0]})", [*command, output], output, *words)
        refused("full disk", "/dev/full", "No space left on device", "hint: ")
        refused("no such folder", f"{bench.missing}/x", "No such file or directory", "hint: ")
        refused("folder", bench.scratch, "found a folder")
        refused("below a file", f"{bench.nano}/config.json/x", "Not a directory", "hint: ")
    small_files(bench, score, "scores.safetensors", "File too large")
    def bundle(name, output, *words):
        bench.refuses(f"output: bundle, {name}", [*compile_[:-1], output], output, *words)
    bundle("below a file", f"{bench.nano}/config.json/x", "hint: ")
    bundle("in the place of a file", f"{bench.nano}/tokenizer.json", "hint: ")
    bundle("in the place of another folder", bench.scratch, "no bundle", "hint: ")
    # A bundle that lies among other files is not replaced: they would be lost.
    mixed = bench.folder(keep=True)
    for name in ["plan.dsv3", "notes.txt"]:
        bench.put(os.path.join(mixed, name), "mine")
    bundle("among other files", mixed, "notes.txt", "hint: ")
    if sorted(os.listdir(mixed)) != ["notes.txt", "plan.dsv3"]:
        bench.fail("output: bundle, among other files", f"left {os.listdir(mixed)}")
    bundle("empty name", "")
    small_files(bench, compile_[:-1], "bundle", "File too large")
    checkpoint_files(bench)
    looks(bench, compile_[:3])
    if bench.wanted("output: stdout"):
        for command in [generate, ["run", "--help"], ["run", "--version"], ["run", "generate", "--help"],
                        ["compile", "--help"], ["interpret", "--version"]]:
            with open("/dev/full", "wb") as full:
                done = bench.run(*command, stdout=full)
            if done is None or done.returncode != 1 or b"stdout" not in done.stderr:
                bench.fail("output: stdout on a full disk", f"{command}: expected exit code 1 and a message", done)


def checkpoint_files(bench):
    """A file of the model that is scored is not replaced, whatever it is called, there or not."""
    model = bench.model(keep=True)
    link = os.path.join(bench.scratch, "link")
    os.symlink(f"{model}/model.safetensors", link)
    for program in ["run", "interpret"]:
        for output in [f"{model}/model.safetensors", f"{model}/../{os.path.basename(model)}/config.json", link,
                       f"{model}/model.safetensors.index.json"]:
            bench.refuses(f"output: file of the checkpoint, {os.path.basename(output)} ({program})",
                          [program, "score", "--model", model, "--ids", "0", "--output", output], output,
                          "of the checkpoint that is read", "hint: ", without="compiling")
    ids = os.path.join(bench.scratch, "ids")
    bench.put(ids, "0,5")
    bench.refuses("output: the file of --ids", ["run", "score", "--model", model, "--ids", f"@{ids}", "--output", ids], ids,
                  "outside of the prompt that is read", "hint: ", without="compiling")
    for place, found in [(bench.missing, "no such file"), ("/dev/null", "expected a file")]:
        bench.refuses(f"calibration: {place}", ["run", "generate", "--model", model, "--ids", "0", "--weights=int4",
                                                "--calibration", place], f"--calibration {place}", found,
                      without="compiling")
    (bundle, *_) = [entry.path for entry in os.scandir(f"{bench.cache}/dsv3") if entry.is_dir()]
    for name in ["plan.dsv3", "config.json"]:
        bench.refuses(f"output: file of the bundle, {name}", ["run", "score", "--model", bundle, "--dummy", "--ids",
                                                              "0", "--output", f"{bundle}/{name}"],
                      f"{bundle}/{name}", "of the bundle that is read", "hint: ")


def looks(bench, config):
    """What is only looked at is there whole or not at all, too."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    for flag in ["--dump-phases", "--remarks-output-file"]:
        for name, word, options in [(f"output: {flag} grows beyond the limit", "File too large", {"preexec_fn": limit}),
                                    (f"output: {flag} on a full disk", "No space left on device",
                                     {"env": {"LD_PRELOAD": bench.full_disk or ""}})]:
            if not bench.wanted(name) or "env" in options and not bench.can(
                    name, bench.full_disk, "DSV3_FULL_DISK names no test/E2E/FullDisk.c"):
                continue
            bench.count += 1
            folder = bench.folder(keep=True)
            place = folder if flag == "--dump-phases" else f"{folder}/remarks"
            # The remarks of a report that was printed are lost; that it was is no success.
            done = bench.run(*config, "--plan-only", flag, place, **options)
            if done.returncode != 1 or word not in done.stderr.decode() or os.listdir(folder):
                bench.fail(name, f"expected exit code 1, '{word}' and no file, found {os.listdir(folder)}", done)


def small_files(bench, command, name, *words):
    """As on a disk that fills up: no file may have more than 4 KiB."""
    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    bench.refuses(f"output: {name} grows beyond the limit", [*command, name], name, *words,
                  preexec_fn=limit)
