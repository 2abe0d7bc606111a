"""Runs one command on damaged input and checks what holds for every refusal.

A refusal ends soon, with an exit code that is not zero and no signal; stdout stays empty; stderr has a
line that begins with the program's name and holds the words that the case asks for, and no trace of a
crash; nothing new lies in the working folder, among temporary files or half-made in the cache.
"""
import os
import shutil
import subprocess
import tempfile

from . import checkpoints

CRASHES = ["Stack dump", "PLEASE submit", "LLVM ERROR", "Assertion", "terminate called",
           "AddressSanitizer", "runtime error:", "failed to legalize", "std::"]
SECONDS = 120


class Bench:
    """Folders of one run of the tests, and the failures so far."""

    def __init__(self, programs, nano, scratch, only="", verbose=False):
        self.programs, self.nano, self.scratch = programs, nano, scratch
        self.only, self.verbose = only, verbose
        self.count, self.failures, self.skipped, self.folders = 0, [], [], []
        # What makes every disk full, built from FullDisk.c.
        self.full_disk = os.environ.get("DSV3_FULL_DISK")
        self.cache = os.path.join(scratch, "cache")
        self.temporary = os.path.join(scratch, "tmp")
        self.out = os.path.join(scratch, "out")
        self.missing = os.path.join(scratch, "missing")  # a folder that there is not
        os.mkdir(self.temporary)
        os.mkdir(self.out)

    def environment(self, **more):
        return {**os.environ, "XDG_CACHE_HOME": self.cache, "HOME": self.scratch,
                "TMPDIR": self.temporary, **more}

    def program(self, name):
        return os.path.join(self.programs, "dsv3-" + name)

    def folder(self, keep=False):
        """A new folder; unless it is kept, removed when a few more were made."""
        if keep:
            return tempfile.mkdtemp(dir=self.scratch)
        self.folders.append(tempfile.mkdtemp(dir=self.scratch))
        if len(self.folders) > 4:
            shutil.rmtree(self.folders.pop(0))
        return self.folders[-1]

    def model(self, keep=False, **files):
        """A copy of the small model; `files` are contents by name, with _ for a dot, None to leave out."""
        target = self.folder(keep)
        for name in os.listdir(self.nano):
            os.link(checkpoints.linkable(self.scratch, self.nano, name), os.path.join(target, name))
        for name, content in files.items():
            self.put(os.path.join(target, {"weights": "model.safetensors"}.get(name, name + ".json")),
                     content)
        return target

    @staticmethod
    def put(path, content):
        """Writes bytes or text in the place of a file; None removes it."""
        if os.path.lexists(path):
            os.unlink(path)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)

    def put_text(self, name, text):
        """The path of a file of text, which is no output."""
        path = os.path.join(self.scratch, name)
        self.put(path, text)
        return path

    def wanted(self, *names):
        """Whether cases of these names, or whose names have these parts, shall run."""
        return any(self.only in name or name in self.only for name in names)

    def can(self, name, there, why):
        """Whether what the case needs is there; if not, it is skipped and named in the end."""
        if self.only in name and not there:
            self.skipped.append(f"{name} ({why})")
        return bool(there)

    def fail(self, name, problem, done=None):
        text = f"{name}: {problem}"
        if done is not None:
            text += "\n    " + done.stderr.decode(errors="replace").replace("\n", "\n    ")
        print(text, flush=True)
        self.failures.append(name)

    def run(self, program, *arguments, data=b"", stdout=subprocess.PIPE, timeout=SECONDS, **options):
        """The finished process; None if it ran too long."""
        environment = self.environment(**options.pop("env", {}))
        try:
            return subprocess.run([self.program(program), *arguments], input=data, stdout=stdout,
                                  stderr=subprocess.PIPE, cwd=self.out, env=environment,
                                  timeout=timeout, **options)
        except subprocess.TimeoutExpired:
            return None

    def leftovers(self):
        """Files that no command should leave behind; they are removed."""
        left = []
        for folder in [self.out, self.temporary]:
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                left.append(path)
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        return left + self.half_made()

    def half_made(self):
        """What is in the cache and is no finished bundle, but for the file of locks."""
        bundles = os.path.join(self.cache, "dsv3")
        names = os.listdir(bundles) if os.path.isdir(bundles) else []
        return [name for name in names
                if name != ".lock" and not os.path.exists(os.path.join(bundles, name, "plan.dsv3"))]

    def refuses(self, name, command, *words, code=(1, 2), without="", **options):
        """The command, its program first, fails; its message has all the words, and not `without`."""
        if self.only not in name:
            return
        self.count += 1
        done = self.run(*command, **options)
        if done is None:
            return self.fail(name, f"still runs after {SECONDS} s")
        message = done.stderr.decode(errors="replace")
        if self.verbose:
            print(f"--- {name} ({done.returncode})\n{message}", end="", flush=True)
        problems = []
        if done.returncode not in code:
            problems.append(f"exit code {done.returncode}, expected {code}")
        if done.stdout:
            problems.append(f"stdout has {done.stdout[:80]!r}")
        # dsv3-translate is upstream's driver; its lines begin with the file's name.
        if command[0] != "translate" and not any(
                line.startswith(f"dsv3-{command[0]}: ") for line in message.splitlines()):
            problems.append(f"no line of stderr begins with 'dsv3-{command[0]}: '")
        problems += [f"stderr has '{crash}'" for crash in CRASHES if crash in message]
        problems += [f"stderr lacks '{word}'" for word in words if word not in message]
        if without and without in message:
            problems.append(f"stderr has '{without}'")
        problems += [f"left behind: {path}" for path in self.leftovers()]
        if problems:
            self.fail(name, "; ".join(problems), done)

    def answers(self, name, command, **options):
        """The command succeeds and says something on stdout; returns that."""
        done = self.run(*command, **options)
        if done is None or done.returncode != 0 or not done.stdout:
            problem = f"exit code {done.returncode}" if done else f"still runs after {SECONDS} s"
            self.fail(name, problem + ", expected an answer", done)
            return None
        return done.stdout
