"""The cache of compiled models: not writable, full, killed while it is written, used by two at once."""
import os
import resource
import shutil
import signal
import subprocess
import time

from .checkpoints import config_with


def check(bench):
    if not bench.wanted("cache", "kill", "interrupt", "pipe"):
        return
    # Dense layers alone compile fast.
    small = bench.model(config=config_with(bench.nano, num_hidden_layers=1, first_k_dense_replace=1,
                                           num_nextn_predict_layers=0), weights=None, keep=True)
    run = ["run", "generate", "--model", small, "--dummy", "--ids", "0,5", "--max-tokens", "4",
           "--print-ids", "--temperature", "0", "--ignore-eos"]
    vast = bench.model(config=config_with(bench.nano, num_hidden_layers=1, first_k_dense_replace=1,
                                          num_nextn_predict_layers=0, vocab_size=2**24, hidden_size=2**16),
                       weights=None)
    bench.refuses("cache: weights that do not fit", ["run", "score", "--model", vast, "--dummy", "--ids", "0",
                                                     "--output", "x"], "4.0 TiB for weights", "hint: ",
                  without="compiling")
    unwritable(bench, run)
    killed(bench, run)
    killed_over_a_bundle(bench, small, run)
    interrupted_compiler(bench, small)
    careless_parent(bench, run)
    two_at_once(bench, run)
    interrupted(bench, run)
    readers_that_leave(bench)


def bundles_of(bench, cache):
    folder = os.path.join(cache, "dsv3")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return ([name for name in names if not name.startswith(".")],
            [name for name in names if name.startswith(".") and name != ".lock"])


def unwritable(bench, run):
    def refused(name, cache, *words, **options):
        bench.refuses(f"cache: {name}", run, cache, "XDG_CACHE_HOME", "hint: ", *words,
                      env={"XDG_CACHE_HOME": cache}, **options)
    refused("a file", f"{bench.nano}/config.json", "Not a directory")
    refused("read-only", "/proc/self")
    bench.refuses("cache: nowhere", run, "XDG_CACHE_HOME",
                  env={"XDG_CACHE_HOME": "", "HOME": ""})
    # As on a disk that fills up.
    cache = bench.folder(keep=True)
    bench.refuses("cache: full", run, cache, "hint: ", env={"XDG_CACHE_HOME": cache},
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)))
    if bundles_of(bench, cache) != ([], []):
        bench.fail("cache: full", f"left {bundles_of(bench, cache)}")
    bench.answers("cache: no longer full", run, env={"XDG_CACHE_HOME": cache})
    full = bench.folder(keep=True)
    on_full_disk = {"XDG_CACHE_HOME": full, "LD_PRELOAD": bench.full_disk or ""}
    if bench.can("cache: on a full disk", bench.full_disk, "DSV3_FULL_DISK names no test/E2E/FullDisk.c"):
        bench.refuses("cache: on a full disk", run, full, "the disk is full", "hint: ", env=on_full_disk)
        if bundles_of(bench, full) != ([], []):
            bench.fail("cache: on a full disk", f"left {bundles_of(bench, full)}")


def started(bench, command, cache):
    return subprocess.Popen([bench.program(command[0]), *command[1:]], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=bench.out,
                            start_new_session=True, env=bench.environment(XDG_CACHE_HOME=cache))


def killed(bench, run):
    """kill -9 of runner and compiler at several points; then the next run works and cleans up."""
    if not bench.wanted("kill"):
        return
    cache = bench.folder(keep=True)
    start = time.monotonic()
    expected = bench.answers("kill: undisturbed", run, env={"XDG_CACHE_HOME": cache})
    whole = time.monotonic() - start
    for part in [0.1, 0.5, 0.9]:
        bench.count += 1
        shutil.rmtree(cache)
        process = started(bench, run, cache)
        try:
            process.wait(timeout=part * whole)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        name = f"kill: after {part:.0%} of the time"
        found = bench.answers(name, run, env={"XDG_CACHE_HOME": cache})
        bundles, remains = bundles_of(bench, cache)
        if found != expected or len(bundles) != 1 or len(remains) > 1:
            bench.fail(name, f"expected {expected} and one bundle, found {found}, {bundles}, {remains}")
        # What a killed process left is removed by whoever compiles a few minutes later.
        for remain in remains:
            os.utime(os.path.join(cache, "dsv3", remain), (time.time() - 300,) * 2)
    if bench.answers("kill: rebuilt", [*run, "--rebuild"], env={"XDG_CACHE_HOME": cache}) != expected \
            or bundles_of(bench, cache)[1]:
        bench.fail("kill: rebuilt", f"expected {expected} and no remains, found {bundles_of(bench, cache)}")


def killed_over_a_bundle(bench, model, run):
    """kill -9 of dsv3-compile -o at several points: the bundle that was there, or the new one, works."""
    if not bench.wanted("kill: over a bundle"):
        return
    folder = bench.folder(keep=True)
    bundle, link = os.path.join(folder, "bundle"), os.path.join(folder, "link")
    command = ["compile", "--config", f"{model}/config.json", "--variant=x86-64-v3", "-o", bundle]
    start = time.monotonic()
    bench.run(*command, timeout=60)
    whole = time.monotonic() - start
    use = [*run[:run.index("--model") + 1], bundle, *run[run.index("--model") + 2:]]
    expected = bench.answers("kill: over a bundle, undisturbed", use)
    os.symlink("bundle", link)
    for target, part in [(bundle, 0.5), (bundle, 0.95), (link, 0.98), (link, 10)]:
        bench.count += 1
        process = started(bench, [*command[:-1], target], bench.cache)
        try:
            process.wait(timeout=part * whole)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        name = f"kill: over a bundle, {os.path.basename(target)} after {part:.0%} of the time"
        if bench.answers(name, use) != expected or not os.path.islink(link):
            bench.fail(name, f"expected a bundle that answers {expected}, found {os.listdir(folder)}")
        # Removed by whoever writes a bundle there a few minutes later.
        for remain in set(os.listdir(folder)) - {"bundle", "link"}:
            os.utime(os.path.join(folder, remain), (time.time() - 300,) * 2)
    if set(os.listdir(folder)) != {"bundle", "link"}:
        bench.fail("kill: over a bundle", f"expected no remains, found {os.listdir(folder)}")


def interrupted_compiler(bench, model):
    """dsv3-compile -o removes what it has begun, whichever signal ends it; kill -9 leaves it to the next."""
    if not bench.wanted("interrupt: dsv3-compile"):
        return
    for sent in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        bench.count += 1
        folder = bench.folder(keep=True)
        process = started(bench, ["compile", "--config", f"{model}/config.json", "-o", f"{folder}/bundle"], bench.cache)
        line = process.stderr.readline()
        begun = os.listdir(folder)
        process.send_signal(sent)
        process.communicate(timeout=60)
        if process.returncode != -sent or os.listdir(folder) or not begun or b"making code" not in line:
            bench.fail(f"interrupt: dsv3-compile, signal {sent}",
                       f"expected the signal and an empty folder, found {process.returncode}, {os.listdir(folder)}, "
                       f"before it {begun}, {line}")


def careless_parent(bench, run):
    """A parent that ignores SIGCHLD hands that on: the system then forgets how a child ended."""
    bench.answers("cache: SIGCHLD ignored", run, env={"XDG_CACHE_HOME": bench.folder(keep=True)},
                  preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))


def two_at_once(bench, run):
    if not bench.wanted("cache: two at once"):
        return
    bench.count += 1
    cache = bench.folder(keep=True)
    processes = [started(bench, run, cache) for _ in range(2)]
    answers = [process.communicate(timeout=60)[0] for process in processes]
    bundles, remains = bundles_of(bench, cache)
    if [process.returncode for process in processes] != [0, 0] or answers[0] != answers[1] or not answers[0] \
            or len(bundles) != 1 or remains:
        bench.fail("cache: two at once", f"found {answers}, {bundles}, {remains}")


def interrupted(bench, run):
    """Ctrl-C while compiling, loading and generating: exit code 130, the cache as it was."""
    cache = bench.folder(keep=True)
    def interrupt(name, command, shown):
        if not bench.wanted("interrupt: " + name):
            return
        bench.count += 1
        process = started(bench, command, cache)
        stream = process.stdout if shown == "stdout" else process.stderr
        first = stream.read(1)  # it has begun
        os.killpg(process.pid, signal.SIGINT)
        try:
            rest = process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            rest = process.communicate()
        remains = bundles_of(bench, cache)[1]
        if process.returncode != 130 or remains or not first or b"Stack dump" in rest[1]:
            bench.fail("interrupt: " + name,
                       f"expected exit code 130 and no remains, found {process.returncode}, {remains}, "
                       f"{rest[1][-500:]}")
    interrupt("compiling", run, "stderr")
    damaged_entry(bench, run, cache)
    many = [*run[:run.index("--max-tokens")], "--max-tokens", "4000", "--ignore-eos", "--print-ids"]
    interrupt("generating", many, "stdout")
    large = bench.model(config=config_with(bench.nano, num_hidden_layers=1, first_k_dense_replace=1,
                                           num_nextn_predict_layers=0, vocab_size=2**21), weights=None)
    loading = ["run", "generate", "--model", large, "--dummy", "--ids", "0,5", "--max-tokens", "4"]
    bench.run("compile", "--config", f"{large}/config.json", "--variant=x86-64-v3", "-o",
              f"{large}/bundle", timeout=60)
    loading[3] = f"{large}/bundle"
    interrupt("loading", loading, "stderr")
    bench.leftovers()


def damaged_entry(bench, run, cache):
    """What is damaged in the cache is compiled again."""
    expected = bench.answers("cache: undamaged", run, env={"XDG_CACHE_HOME": cache})
    (entry,), _ = bundles_of(bench, cache)
    (code,) = [name for name in os.listdir(os.path.join(cache, "dsv3", entry)) if name.endswith(".so")]
    for name, content in [("plan.dsv3", b"DSV3PLAN"), ("config.json", None), (code, b"")]:
        bench.count += 1
        bench.put(os.path.join(cache, "dsv3", entry, name), content)
        found = bench.answers(f"cache: damaged {name}", run, env={"XDG_CACHE_HOME": cache})
        if found != expected:
            bench.fail(f"cache: damaged {name}", f"expected {expected}, found {found}")


def readers_that_leave(bench):
    """As with `| head -c1`: the program ends by SIGPIPE and says nothing of it."""
    if not bench.wanted("pipe"):
        return
    bench.count += 1
    process = started(bench, ["run", "generate", "--model", bench.nano, "--ids", "0,5", "--max-tokens",
                              "4000", "--ignore-eos"], bench.cache)
    process.stdout.read(1)
    process.stdout.close()
    message = process.stderr.read()
    process.wait(timeout=30)
    if process.returncode != -signal.SIGPIPE or b"dsv3-run:" in message:
        bench.fail("pipe: closed", f"expected SIGPIPE, found {process.returncode}: {message.decode()}")
