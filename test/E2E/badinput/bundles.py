"""Bundles that are damaged, of another version or of another checkpoint."""
import os
import shutil

from .checkpoints import config_with


def check(bench):
    if not bench.wanted("bundle"):
        return
    whole = os.path.join(bench.scratch, "whole")
    done = bench.run("compile", "--model", bench.nano, "--variant=x86-64-v3", "-o", whole, timeout=300)
    if done.returncode != 0:
        return bench.fail("bundle", "cannot be compiled", done)
    with open(f"{whole}/plan.dsv3", "rb") as file:
        plan = file.read()
    objects = [name for name in os.listdir(whole) if name.endswith(".so")]

    def refused(name, *words, model=None, flags=(), **files):
        folder = model or os.path.join(bench.folder(), "bundle")
        if model is None:
            shutil.copytree(whole, folder)
        for file, content in files.items():
            bench.put(os.path.join(folder, {"object": objects[0], "plan": "plan.dsv3",
                                            "config": "config.json"}.get(file, file)), content)
        bench.refuses(f"bundle: {name}", ["run", "generate", "--model", folder, "--ids", "0,5", *flags],
                      folder, *words)

    damaged(bench, refused, whole, plan, objects[0])
    refused("object missing", objects[0], "missing", "hint: ", object=None)
    refused("config missing", "config.json", "hint: ", config=None)
    refused("plan missing", "hint: ", plan=None)
    refused("configuration alone", "no weights", "--dummy", checkpoint=None)
    refused("checkpoint moved away", bench.missing, checkpoint=bench.missing + "\n")
    refused("rebuild", "--rebuild", flags=["--rebuild"])
    refused("empty folder", "hint: ", model=bench.folder())
    bench.refuses("bundle: on the interpreter", ["interpret", "generate", "--model", whole, "--ids", "0,5"],
                  whole, "a bundle", "hint: ")
    other = bench.model(config=config_with(bench.nano, rope_theta=20000))
    refused("other checkpoint", other, "another checkpoint", "hint: ", "dsv3-compile --model",
            checkpoint=other + "\n")
    refused("a checkpoint that is no path", "expected the path of a checkpoint, found '?[31m?'", checkpoint="\x01[31m\x02")
    translations(bench, plan)


def damaged(bench, refused, whole, plan, name):
    version = int.from_bytes(plan[8:12], "little")
    refused("other version", f"expected plan format version {version}, found version {version + 1}", "hint: ",
            plan=plan[:8] + (version + 1).to_bytes(4, "little") + plan[12:])
    refused("plan of another kind", "found something else", plan=b"\x7fELF" + plan[4:])
    refused("plan empty", "plan.dsv3", plan=b"")
    for length in [7, 20, len(plan) // 2, len(plan) - 1]:
        refused(f"plan of {length} bytes", "plan.dsv3", "hint: ", plan=plan[:length])
    for at in range(16, len(plan), len(plan) // 12):
        flipped = plan[:at] + bytes([plan[at] ^ 0x10]) + plan[at + 1:]
        refused(f"plan's byte {at} flipped", "plan.dsv3", "hint: ", plan=flipped)
    with open(f"{whole}/{name}", "rb") as file:
        code = file.read()
    for at in [4, len(code) // 2, len(code) - 1]:
        flipped = code[:at] + bytes([code[at] ^ 1]) + code[at + 1:]
        refused(f"object's byte {at} flipped", name, "checksum", "hint: ", object=flipped)
    refused("object cut off", name, "checksum", "hint: ", object=code[:1000])
    refused("object empty", name, "hint: ", object=b"")
    refused("config damaged", "config.json", config=b"{")
    with open(f"{whole}/config.json", "rb") as file:
        config = file.read()
    refused("config's byte flipped", "config.json", "another", "hint: ",
            config=config.replace(b'"eos_token_id": 1', b'"eos_token_id": 3'))


def translations(bench, plan):
    path = os.path.join(bench.folder(keep=True), "plan.dsv3")
    for name, content in [("cut off", plan[:100]), ("flipped", plan[:200] + b"\xff" + plan[201:]),
                          ("empty", b""), ("text", b"module {}")]:
        bench.put(path, content)
        bench.refuses(f"bundle: plan-to-mlir, {name}", ["translate", "--plan-to-mlir", path], path, "hint: ")
    bench.put(path, b"module { plan.nonsense }")
    bench.refuses("bundle: mlir-to-plan, nonsense", ["translate", "--mlir-to-plan", path, "-o", "x"], path)
