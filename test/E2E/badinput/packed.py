"""Packed weights beside a bundle: damaged, of something else, no room, killed while written, two at once."""
import os
import resource
import shutil
import signal
import subprocess
import time


def check(bench):
    if not bench.wanted("packed"):
        return
    model = bench.model(keep=True)
    # A file of its own: each name that it has elsewhere, and loses there, counts as a change.
    shutil.copy2(f"{model}/model.safetensors", f"{model}/own")
    os.replace(f"{model}/own", f"{model}/model.safetensors")
    whole = os.path.join(bench.scratch, "packed")
    done = bench.run("compile", "--model", model, "--variant=x86-64-v3", "-o", whole, timeout=300)
    if done.returncode != 0:
        return bench.fail("packed", "the bundle cannot be compiled", done)
    expected = bench.answers("packed: kept", [*command(whole), "--keep-packed"])
    if kept(whole) != ["packed.x86-64-v3"]:
        return bench.fail("packed: kept", f"found {kept(whole)}")
    verified(bench, whole, expected)
    unfit(bench, model, whole, expected)
    no_room(bench, whole)
    killed(bench, whole, expected)
    two_at_once(bench, whole, expected)


def command(bundle):
    return ["run", "generate", "--model", bundle, "--ids", "0,5", "--max-tokens", "4", "--print-ids",
            "--temperature", "0", "--ignore-eos"]


def kept(bundle):
    return sorted(name for name in os.listdir(bundle) if name.startswith("packed."))


def copy(bench, whole, *without):
    bundle = os.path.join(bench.folder(), "bundle")
    shutil.copytree(whole, bundle, ignore=shutil.ignore_patterns(*without))
    return bundle


def unfit(bench, model, whole, expected):
    """What does not fit is named and ignored, and with the flag replaced."""
    with open(f"{whole}/packed.x86-64-v3", "rb") as file:
        content = file.read()

    def ignored(name, change, *words):
        bench.count += 1
        bundle = copy(bench, whole, "packed.*")
        change(bundle)
        for more, word in [([], "; --keep-packed writes them anew"), (["--keep-packed"], "packed weights are kept"),
                           ([], "the weights are mapped")]:
            done = bench.run(*command(bundle), *more)
            message = done.stderr.decode()
            said = all(part in message for part in ["cannot be used: ", *words]) or word == "the weights are mapped"
            if done.returncode != 0 or done.stdout != expected or word not in message or not said:
                bench.fail("packed: " + name, f"expected {expected} and '{word}', found {done.stdout}", done)
        if kept(bundle) != ["packed.x86-64-v3"]:
            bench.fail("packed: " + name, f"left {kept(bundle)}")

    def holds(data):
        return lambda bundle: bench.put(f"{bundle}/packed.x86-64-v3", data)

    ignored("cut off", holds(content[:-1]), "bytes of weights, the file has")
    ignored("header cut off", holds(content[:50]), "the file is cut off")
    ignored("empty", holds(b""), "the file is cut off")
    ignored("header damaged", holds(content[:40] + b"\xff" + content[41:]), "the header is damaged")
    ignored("other version", holds(content[:8] + b"\x63" + content[9:]), "found version 99")
    ignored("something else", holds(b"\x7fELF" + content[4:]), "found something else")

    def touched(bundle):
        holds(content)(bundle)
        os.utime(f"{model}/model.safetensors", (1, 1))
    ignored("checkpoint touched", touched, "model.safetensors was changed after they were packed")

    def replaced(bundle):
        """A copy of the same size and date, as archives and mirrors make them: it may be of other weights."""
        kept_anew = bench.run(*command(bundle), "--keep-packed")
        if b"packed weights are kept" not in kept_anew.stderr:
            bench.fail("packed: checkpoint replaced", "nothing was packed", kept_anew)
        path = f"{model}/model.safetensors"
        shutil.copy2(path, path + ".aside")
        os.replace(path + ".aside", path)
    ignored("checkpoint replaced", replaced, "model.safetensors was changed after they were packed")


def verified(bench, whole, expected):
    """A byte of the weights that is another is found where that is asked for, and the weights are packed again."""
    bench.count += 1
    bundle = copy(bench, whole)
    path = f"{bundle}/packed.x86-64-v3"
    verify = [*command(bundle), "--verify-packed"]
    with open(path, "r+b") as file:
        file.seek(-1000, os.SEEK_END)
        byte = file.read(1)
        file.seek(-1000, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    for more, word in [([], "the weights are damaged between byte 0 and"),
                       ([], "; --keep-packed writes them anew"), (["--keep-packed"], "packed weights are kept"),
                       ([], "are as they were written")]:
        done = bench.run(*verify, *more)
        if done.returncode != 0 or done.stdout != expected or word not in done.stderr.decode():
            bench.fail("packed: verified", f"expected {expected} and '{word}', found {done.stdout}", done)
    os.unlink(path)
    if "no packed weights to verify" not in bench.run(*verify).stderr.decode():
        bench.fail("packed: verified", "expected a note that there are none")


def no_room(bench, whole):
    """Refused before anything is packed; nothing is left behind."""
    bundle = copy(bench, whole, "packed.*")
    keep = [*command(bundle), "--keep-packed"]
    bench.refuses("packed: disk full", keep, "cannot keep the packed weights", "File too large", "hint: ",
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    if kept(bundle):
        bench.fail("packed: disk full", f"left {kept(bundle)}")
    # A folder in its place: for root every folder can be written.
    os.mkdir(f"{bundle}/packed.x86-64-v3.aside")
    bench.refuses("packed: unwritable", keep, "cannot keep the packed weights", "Is a directory", "hint: ")


def started(bench, bundle):
    return subprocess.Popen([bench.program("run"), *command(bundle)[1:], "--keep-packed"], cwd=bench.out,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=bench.environment())


def killed(bench, whole, expected):
    """kill -9 once the file aside is there: it is not used, and the next writer replaces it."""
    bench.count += 1
    bundle = copy(bench, whole, "packed.*")
    process = started(bench, bundle)
    deadline = time.monotonic() + 60
    while not kept(bundle) and process.poll() is None and time.monotonic() < deadline:
        pass
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for more in [[], ["--keep-packed"], []]:
        if bench.answers("packed: killed", [*command(bundle), *more]) != expected:
            bench.fail("packed: killed", f"expected {expected}")
    if kept(bundle) != ["packed.x86-64-v3"]:
        bench.fail("packed: killed", f"left {kept(bundle)}")


def two_at_once(bench, whole, expected):
    bench.count += 1
    bundle = copy(bench, whole, "packed.*")
    processes = [started(bench, bundle) for _ in range(2)]
    answers = [process.communicate(timeout=120)[0] for process in processes]
    if answers != [expected] * 2 or kept(bundle) != ["packed.x86-64-v3"]:
        bench.fail("packed: two at once", f"expected {expected} twice, found {answers}, {kept(bundle)}")
