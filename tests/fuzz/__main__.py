"""A longer run: `python -m tests.fuzz ROUNDS [SEED] [TARGET …]`. Failing inputs are kept."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .rounds import fuzz
from .targets import TARGETS

rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
failed = Path("fuzz-failures")
count = 0
for target in sys.argv[3:] or TARGETS:
    with tempfile.TemporaryDirectory() as folder:
        failures = fuzz(target, Path(folder), rounds=rounds, seed=seed)
    for number, (data, reason) in enumerate(failures):
        failed.mkdir(exist_ok=True)
        (failed / f"{target}-{seed}-{number}.bin").write_bytes(data)
        sys.stdout.write(f"{target}-{seed}-{number}:\n{reason}\n")
    count += len(failures)
    sys.stdout.write(f"{target}: {rounds} inputs, {len(failures)} failures\n")
sys.exit(1 if count else 0)
