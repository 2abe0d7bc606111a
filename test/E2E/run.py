#!/usr/bin/env python3
"""What a person meets at dsv3-run besides answers: texts, stops, refusals, interruption, the cache.

usage: run.py DSV3_RUN MODEL     MODEL: models/nano; dsv3-compile lies beside DSV3_RUN
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

import share

runner, model = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
question = ["--chat", "What is the capital of France?"]
answer, answer_ids = "The capital of France is Paris.\n", "280,293,275,1144,270,1421,16\n"

# Where these tests are a background job of a script, whoever they start would ignore them, too.
for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(stop) == signal.SIG_IGN:
        signal.signal(stop, signal.SIG_DFL)


class RunTest(unittest.TestCase):
    """The cache is shared by the tests that do not say otherwise."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="dsv3-run-")
        cls.environment = dict(os.environ, XDG_CACHE_HOME=os.path.join(cls.folder, "cache"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_tool(self, *arguments, environment=None, **more):
        return subprocess.run([runner, *arguments], capture_output=True, text=True,
                              env=environment or self.environment, **more)

    def generate(self, *arguments, source=model, **more):
        return self.run_tool("generate", "--model", source, "--temperature", "0", *arguments, **more)

    def expect_failure(self, result, *parts, code=1):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        for part in parts:
            self.assertIn(part, result.stderr)

    def kept(self, cache):
        """What is in a cache besides the file of locks."""
        return [name for name in os.listdir(self.path(cache + "/dsv3")) if name != ".lock"]

    def bundle(self):
        """The bundle that dsv3-run makes of the model, in a cache of its own."""
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("one"))
        self.assertEqual(self.generate(*question, environment=environment).returncode, 0)
        (name,) = self.kept("one")
        return self.path("one/dsv3/" + name)

    def copy_of_bundle(self, name):
        target = self.path(name)
        shutil.copytree(self.bundle(), target)
        return target

    def test_answers_to_stdout_and_the_rest_to_stderr(self):
        result = self.generate(*question)
        self.assertEqual(result.stdout, answer, result.stderr)
        summary = result.stderr.splitlines()[-3:]
        self.assertRegex(summary[0], r"^prompt: +\d+ tokens in [\d.]+ s, [\d.]+ tokens/s$")
        self.assertRegex(summary[1], r"^generation: +7 tokens in ")
        self.assertEqual(summary[2].split(None, 1), ["stopped:", "end of the text"])

    def test_second_run_does_not_compile(self):
        self.generate(*question)
        self.assertNotIn("compiling", self.generate(*question).stderr)
        self.assertNotIn("compiling", self.generate(*question, "--weights-in-place", "experts").stderr)
        rebuilt = self.generate(*question, "--rebuild").stderr
        self.assertIn("compiling", rebuilt)
        # Where it was made aside is gone by now.
        self.assertNotIn("aside", rebuilt)

    def test_compiles_for_one_kind_of_cpu(self):
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("kinds"))
        self.assertEqual(self.generate(*question, environment=environment).stdout, answer)
        (name,) = self.kept("kinds")
        codes = [name for name in os.listdir(self.path("kinds/dsv3/" + name)) if name.endswith(".so")]
        self.assertEqual(len(codes), 1, codes)
        # For another kind, where this machine runs it, it is compiled beside; what is there stays.
        result = self.generate(*question, "--variant", "x86-64-v3", environment=environment)
        self.assertEqual(result.stdout, answer, result.stderr)
        self.assertEqual("compiling" in result.stderr, codes != ["x86-64-v3.so"])
        self.assertNotIn("compiling", self.generate(*question, environment=environment).stderr)

    def test_more_tokens_than_there_is_context(self):
        result = self.generate(*question, "--max-tokens", "100000", "--context", "20")
        self.assertIn("--max-tokens asks for 100000 tokens, but the context of 20 is full after 11", result.stderr)
        self.assertEqual(result.stdout, answer)
        self.assertNotIn("--max-tokens", self.generate(*question, "--max-tokens", "11", "--context", "20").stderr)

    def test_ids_threads_and_chunks(self):
        for more in (["--threads", "1"], ["--threads", "3"], ["--chunk", "3"]):
            result = self.generate(*question, "--print-ids", *more)
            self.assertEqual(result.stdout, answer_ids, result.stderr)

    def test_ids_of_a_file(self):
        path = self.path("ids")
        with open(path, "w", encoding="utf-8") as file:
            file.write("0, 5\n7\n")
        named = self.generate("--ids", "@" + path, "--max-tokens", "3", "--print-ids")
        self.assertEqual(named.stdout, self.generate("--ids", "0,5,7", "--max-tokens", "3", "--print-ids").stdout)
        self.assertEqual(named.stdout.count(","), 2, named.stderr)

    def test_ids_of_a_pipe(self):
        expected = self.generate("--ids", "0,5,7", "--max-tokens", "3", "--print-ids").stdout
        for name in ("@-", "@/dev/stdin"):
            result = self.generate("--ids", name, "--max-tokens", "3", "--print-ids", input="0, 5\n7\n")
            self.assertEqual(result.stdout, expected, result.stderr)
        self.expect_failure(self.generate("--ids", "@-", input="0,x"), "stdin, line 1, token 2")
        self.expect_failure(self.generate("--ids", "@/dev/zero"), "expected at most 268435456 bytes")

    def test_stop_texts_are_not_printed(self):
        self.assertEqual(self.generate(*question, "--stop", "of Fr").stdout, "The capital \n")
        self.assertEqual(self.generate(*question, "--stop", "xyz", "--stop", "capital").stdout, "The \n")

    def test_max_tokens_and_ignored_end(self):
        self.assertEqual(self.generate(*question, "--max-tokens", "2", "--print-ids").stdout, "280,293\n")
        ids = self.generate(*question, "--max-tokens", "9", "--print-ids", "--ignore-eos").stdout
        self.assertTrue(ids.startswith(answer_ids.strip() + ",1,"), ids)

    def test_what_changes_nothing_is_said(self):
        for flag, value in [("--top-p", "0.9"), ("--top-k", "5"), ("--min-p", "0.1"), ("--seed", "7")]:
            done = self.generate("--prompt", "One", "--max-tokens", "1", flag, value)
            self.assertIn(f"note: {flag} changes nothing at temperature 0", done.stderr)

    def test_seed_decides_what_is_sampled(self):
        def sample(seed):
            return self.run_tool("generate", "--model", model, "--prompt", "One", "--temperature", "2",
                                 "--seed", seed, "--max-tokens", "16", "--print-ids").stdout
        self.assertEqual(sample("1"), sample("1"))
        self.assertNotEqual(sample("1"), sample("2"))

    def test_bundle_as_model(self):
        self.assertEqual(self.generate(*question, source=self.bundle()).stdout, answer)

    def test_model_without_tokenizer_works_with_ids(self):
        source = self.path("plain")
        os.mkdir(source)
        for name in ("config.json", "model.safetensors"):
            os.symlink(os.path.join(model, name), os.path.join(source, name))
        result = self.generate("--ids", "0,5,7", "--max-tokens", "3", source=source)
        self.assertEqual(len(result.stdout.split(",")), 3, result.stderr)
        self.expect_failure(self.generate(*question, source=source), "no tokenizer.json", "--ids")

    def test_dummy_needs_a_config_alone(self):
        source = self.path("dummy")
        os.mkdir(source)
        shutil.copy(os.path.join(model, "config.json"), source)
        first = self.generate("--ids", "0,5", "--max-tokens", "4", "--dummy", source=source)
        self.assertEqual(len(first.stdout.split(",")), 4, first.stderr)
        again = self.generate("--ids", "0,5", "--max-tokens", "4", "--dummy", "--threads", "1", source=source)
        self.assertEqual(again.stdout, first.stdout)
        other = self.generate("--ids", "0,5", "--max-tokens", "4", "--dummy", "--dummy-seed", "7", source=source)
        self.assertNotEqual(other.stdout, first.stdout, other.stderr)

    def test_added_tokens_in_texts(self):
        def ids(*flags):
            return self.run_tool("tokenize", "--model", model, *flags, input="<think>").stdout.split(",")
        self.assertEqual(len(ids()), 1)
        plain = len(ids("--no-parse-special"))
        self.assertGreater(plain, 1)
        # A prompt is text unless it is said otherwise; one BOS comes before it.
        for flags, count in ([[], plain + 1], [["--parse-special"], 2]):
            result = self.generate("--prompt", "<think>", "--max-tokens", "1", *flags)
            self.assertRegex(result.stderr, rf"prompt: +{count} tokens")

    def test_render_gives_the_template_what_it_asks_for(self):
        source = self.path("template")
        os.mkdir(source)
        files = {"tokenizer_config.json": {"chat_template": "{{ tools|length if tools else 'no' }} tools, {{ mood }}"
                                                            "{% if add_generation_prompt %}, answer{% endif %}"},
                 "messages.json": [{"role": "user", "content": "Hi"}],
                 "tools.json": [{"type": "function", "function": {"name": name}} for name in ("a", "b")],
                 "variables.json": {"mood": "calm"}}
        for name, content in files.items():
            with open(os.path.join(source, name), "w", encoding="utf-8") as file:
                json.dump(content, file)
        def rendered(*flags):
            return self.run_tool("render", "--model", source, "--messages", source + "/messages.json", *flags).stdout
        self.assertEqual(rendered(), "no tools, , answer")
        self.assertEqual(rendered("--tools", source + "/tools.json"), "2 tools, , answer")
        self.assertEqual(rendered("--variables", source + "/variables.json"), "no tools, calm, answer")
        self.assertEqual(rendered("--no-generation-prompt"), "no tools, ")

    def test_packed_weights_are_kept_and_mapped(self):
        bundle = self.copy_of_bundle("kept")
        first = self.generate(*question, "--keep-packed", source=bundle)
        self.assertIn("packed weights are kept in " + bundle, first.stderr)
        (kept,) = [name for name in os.listdir(bundle) if name.startswith("packed.")]
        date = os.stat(os.path.join(bundle, kept)).st_mtime_ns
        for more in ([], ["--keep-packed"], ["--threads", "1"]):
            second = self.generate(*question, *more, source=bundle)
            self.assertEqual((first.stdout, second.stdout), (answer, answer), second.stderr)
            self.assertIn(f"the weights are mapped from {bundle}/{kept}", second.stderr)
        self.assertEqual(os.stat(os.path.join(bundle, kept)).st_mtime_ns, date)

    def test_weights_in_place(self):
        bundle = self.path("in-place")
        compiler = os.path.join(os.path.dirname(runner), "dsv3-compile")
        subprocess.run([compiler, "--model", model, "--weights-in-place=all", "-o", bundle], env=self.environment,
                       capture_output=True, check=True)
        for more, mapped in (([], False), (["--keep-packed"], False), ([], True), (["--threads", "1"], True)):
            result = self.generate(*question, *more, source=bundle)
            self.assertEqual(result.stdout, answer, result.stderr)
            self.assertEqual("the weights are mapped" in result.stderr, mapped)
        def in_place(source):
            report = self.run_tool("bench", "--model", source, "--json", "--prompt-tokens", "1", "--generate-tokens",
                                   "0", "--repeat", "1")
            return json.loads(report.stdout)["load"]["in_place_bytes"]
        # What is stored as bf16 and multiplied: the head and the MTP layer's projection.
        self.assertEqual((in_place(model), in_place(bundle)), (0, 2 * (2048 * 256 + 256 * 512)))

    def test_placed_threads_answer_the_same(self):
        question = ("--ids", "0,5,7", "--max-tokens", "4", "--print-ids")
        plain = self.generate(*question).stdout
        for mode in ("none", "pin", "distribute", "isolate"):
            placed = self.generate(*question, "--numa", mode)
            self.assertEqual((placed.returncode, placed.stdout), (0, plain), placed.stderr)
            if len(glob.glob("/sys/devices/system/node/node[0-9]*")) < 2:
                self.assertEqual("there is one NUMA node here" in placed.stderr, mode in ("distribute", "isolate"))
        self.expect_failure(self.generate(*question, "--numa", "numactl"),
                            "expected none, pin, distribute or isolate, found 'numactl'", code=2)
        self.expect_failure(self.generate(*question, "--numa", "pin", "--device", "cuda"), "--numa",
                            "leave --numa or --device out")

    def test_placed_threads_stay_on_a_cpu(self):
        for mode, tied in (("none", False), ("pin", True), ("distribute", True)):
            with subprocess.Popen([runner, "generate", "--model", model, "--ids", "0", "--ignore-eos", "--max-tokens",
                                   "1000000", "--numa", mode], env=self.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as process:
                process.stdout.read(1)
                cpus = os.sched_getaffinity(process.pid)
                process.terminate()
            allowed = os.sched_getaffinity(0)
            self.assertEqual(len(cpus), 1 if tied else len(allowed), mode)
            self.assertLessEqual(cpus, allowed, mode)

    def test_packed_weights_in_the_cache_and_made_up(self):
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("made-up"))
        def dummy(*more):
            return self.generate("--ids", "0,5", "--max-tokens", "4", "--dummy", "--print-ids", "--ignore-eos",
                                 *more, environment=environment)
        first, second, other = dummy("--keep-packed"), dummy(), dummy("--dummy-seed", "3")
        self.assertEqual(first.stdout.count(","), 3, first.stderr)
        self.assertEqual(second.stdout, first.stdout)
        self.assertIn("the weights are mapped", second.stderr)
        self.assertIn("another source (made up from seed 0 in way 2) than made up from seed 3", other.stderr)
        self.assertNotEqual(other.stdout, first.stdout)
        self.assertIn("packed weights are kept", dummy("--dummy-seed", "3", "--keep-packed").stderr)
        self.assertEqual(dummy("--dummy-seed", "3").stdout, other.stdout)

    def test_prompts_that_do_not_fit(self):
        self.expect_failure(self.generate("--ids", "0,5,7", "--context", "2"),
                            "the prompt has 3 tokens, the context holds 2", "--context")
        self.expect_failure(self.generate("--ids", "0,99999"), "expected ids from 0 to 2047, found 99999")
        self.expect_failure(self.generate("--ids", ""), "1 or more tokens", code=2)
        self.expect_failure(self.generate("--ids", ","), "1 or more tokens", code=2)
        self.expect_failure(self.generate("--ids", "1", "--context", "99999999"), "99999999", "compiled for")

    def test_command_lines_that_make_no_sense(self):
        self.expect_failure(self.run_tool("generate", "--model", model), "--prompt", code=2)
        self.expect_failure(self.generate("--ids", "1", "--prompt", "x"), "--prompt", code=2)
        self.expect_failure(self.run_tool("sing"), "generate, score, tokenize", "'sing'", code=2)
        self.expect_failure(self.generate("--ids", "1", "--top-p", "7"), "top", code=2)

    def test_version(self):
        result = self.run_tool("--version")
        self.assertRegex(result.stdout, r"^dsv3-run [0-9]+\.[0-9]+\.[0-9]+\n$", result.stderr)
        self.assertEqual(result.returncode, 0)

    def test_damaged_bundles(self):
        (code,) = [name for name in os.listdir(self.bundle()) if name.endswith(".so")]
        for name, at in (("plan.dsv3", 100), (code, 5000)):
            bundle = self.copy_of_bundle("damaged-" + name)
            with open(os.path.join(bundle, name), "r+b") as file:
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes([byte[0] ^ 1]))
            self.expect_failure(self.generate("--ids", "1", source=bundle), name, "compile the bundle again")

    def test_bundle_of_another_checkpoint(self):
        bundle, other = self.copy_of_bundle("moved"), self.path("other")
        shutil.copytree(model, other)
        with open(os.path.join(other, "config.json"), "a", encoding="utf-8") as file:
            file.write("\n")
        with open(os.path.join(bundle, "checkpoint"), "w", encoding="utf-8") as file:
            file.write(other + "\n")
        self.expect_failure(self.generate("--ids", "1", source=bundle), "another checkpoint", "dsv3-compile --model")

    def test_damaged_weights(self):
        broken = self.path("broken")
        shutil.copytree(model, broken)
        weights = os.path.join(broken, "model.safetensors")
        os.truncate(weights, os.path.getsize(weights) - 10)
        self.expect_failure(self.generate("--ids", "1", source=broken), "model.safetensors")

    def test_cache_that_cannot_be_written(self):
        # A file in its place: for root no folder is read-only.
        with open(self.path("file"), "w", encoding="utf-8"):
            pass
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("file"))
        self.expect_failure(self.generate("--ids", "1", environment=environment),
                            "cannot write the cache", "XDG_CACHE_HOME", "dsv3-compile --model")

    def start_compiling(self, environment):
        process = subprocess.Popen([runner, "generate", "--model", model, "--ids", "1"], env=environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   start_new_session=True)
        self.assertIn("compiling", process.stderr.readline())
        return process

    def test_interrupted_while_compiling(self):
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("interrupted"))
        with self.start_compiling(environment) as process:
            process.send_signal(signal.SIGINT)
            process.communicate()
        self.assertEqual(process.returncode, 130)
        self.assertEqual(self.kept("interrupted"), [])

    def test_interrupted_twice_at_once_while_compiling(self):
        # timeout(1) tells the process, and then its group.
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("twice"))
        with self.start_compiling(environment) as process:
            process.send_signal(signal.SIGTERM)
            os.killpg(process.pid, signal.SIGTERM)
            process.communicate()
        self.assertEqual(process.returncode, 143)
        self.assertEqual(self.kept("twice"), [])

    def test_killed_while_compiling(self):
        environment = dict(self.environment, XDG_CACHE_HOME=self.path("killed"))
        with self.start_compiling(environment) as process:
            os.killpg(process.pid, signal.SIGKILL)
        visible = [name for name in os.listdir(self.path("killed/dsv3")) if not name.startswith(".")]
        self.assertEqual(visible, [])
        result = self.generate(*question, environment=environment)
        self.assertEqual(result.stdout, answer, result.stderr)

    def test_interrupted_while_generating(self):
        for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.interrupt_generation(sent)

    def test_what_is_ignored_stays_ignored(self):
        # As in the background jobs of scripts, and under nohup.
        for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with subprocess.Popen([runner, "generate", "--model", model, "--temperature", "0", "--ids", "0",
                                   "--ignore-eos", "--max-tokens", "300"], env=self.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  preexec_fn=lambda: signal.signal(sent, signal.SIG_IGN)) as process:
                process.stdout.read(1)
                process.send_signal(sent)
                _, errors = process.communicate()
            self.assertEqual(process.returncode, 0, errors)

    def interrupt_generation(self, sent):
        with subprocess.Popen([runner, "generate", "--model", model, "--temperature", "0", "--ids", "0",
                               "--ignore-eos", "--max-tokens", "1000000"], env=self.environment,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.read(1)
            process.send_signal(sent)
            _, errors = process.communicate()
        self.assertEqual(process.returncode, 128 + sent, errors)
        self.assertIn(b"interrupted", errors.splitlines()[-1])

    def test_reader_that_goes_away(self):
        command = f"'{runner}' generate --model '{model}' --ids 0 --ignore-eos --max-tokens 2000 2>&1 >&3 | cat >&2"
        result = subprocess.run(["bash", "-c", f"{{ {command}; }} 3>&1 | head -c 1"], env=self.environment,
                                capture_output=True, text=True)
        self.assertEqual(len(result.stdout), 1)
        self.assertNotIn("Broken pipe", result.stderr)

    def test_score_to_a_full_disk(self):
        result = self.run_tool("score", "--model", model, "--ids", "0,5,7", "--output", "/dev/full")
        self.expect_failure(result, "/dev/full", "No space left on device")

    def test_score_of_text(self):
        output = self.path("scores.safetensors")
        result = self.run_tool("score", "--model", model, "--prompt", "One", "--output", output, "--mtp")
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(output, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        tokens, vocabulary = header["logits"]["shape"]
        self.assertEqual(header["mtp_logits"]["shape"], [tokens - 1, vocabulary])
        self.assertNotIn("hidden", header)


share.main(3)
