"""What tests do where clang-22, which checks and predicts on the simulated GPU, is not installed."""


def skip_without_clang(test, done):
    """Skips the test if that is why the finished process failed."""
    if done.returncode != 0 and "clang++-22" in done.stderr and "install clang-22" in done.stderr:
        test.skipTest(done.stderr.strip())
