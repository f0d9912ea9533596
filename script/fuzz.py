"""All property tests with many random examples, see script/fuzz."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys

EXAMPLES = "FUZZ_EXAMPLES"
"""How many examples the tests' profile "fuzz" tries of each test (tests/conftest.py)."""


def command(seed: int, more: list[str]) -> list[str]:
    """Return what runs the property tests, and no others, with a seed."""
    return [
        *(sys.executable, "-m", "pytest", "-q", "-m", "hypothesis"),
        *("--hypothesis-profile=fuzz", f"--hypothesis-seed={seed}", *more),
    ]


def main() -> int:
    """Run them and return pytest's own code, which is 0 only if nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options, more = parser.parse_known_args()
    again = f"script/fuzz --seed {options.seed} --examples {options.examples}"
    print(f"To see this run again: {again}", flush=True)
    environment = {**os.environ, EXAMPLES: str(options.examples)}
    code = subprocess.run(
        command(options.seed, more), env=environment, check=False
    ).returncode
    if code:
        print(f"It failed with seed {options.seed}. Its example becomes an @example.")
    return code


if __name__ == "__main__":
    sys.exit(main())
