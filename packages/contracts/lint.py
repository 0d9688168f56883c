"""Judges the contracts as a whole: `buf lint`, and `buf breaking` against the committed baseline. It needs no network.

What it protects: stored events are read for ever, so a change that old readers or old bytes would notice is seen.

    lint.py               lints, and compares with proto/baseline.binpb
    lint.py --baseline    makes the contracts as they stand the new baseline: for additions, or a break that is meant
"""

import argparse
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "proto" / "baseline.binpb"
CONFIG = ROOT / "buf.yaml"
BUF = Path(sys.executable).parent / "buf"


def build_image() -> bytes:
    """The descriptors of proto/ and of what it imports, with comments. The generated code in the tree is left alone."""
    with tempfile.TemporaryDirectory() as folder:
        runpy.run_path(str(Path(__file__).with_name("generate.py")))["generate"](Path(folder))
        return (Path(folder) / "contracts.binpb").read_bytes()


def lint(image: bytes) -> list[str]:
    """What `buf lint` finds, a line each."""
    return _buf("lint", image)


def breaking(image: bytes, baseline: bytes) -> list[str]:
    """What `buf breaking` finds against the baseline, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        against = Path(folder) / "baseline.binpb"
        against.write_bytes(baseline)
        return _buf("breaking", image, "--against", str(against))


def without_comments(image: bytes) -> bytes:
    """The same contracts without source positions and comments: the baseline changes only where the contracts do."""
    files = FileDescriptorSet.FromString(image)
    for file in files.file:
        file.ClearField("source_code_info")
    return files.SerializeToString(deterministic=True)


def _buf(command: str, image: bytes, *arguments: str) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.binpb"
        path.write_bytes(image)
        done = subprocess.run(  # noqa: S603 - the locked buf, and files of our own
            [BUF, command, path, "--config", CONFIG, *arguments], capture_output=True, text=True, check=False
        )
    # 100: buf looked and found something. Anything else but 0: it could not look, and that is no clean result.
    if done.returncode not in {0, 100}:
        sys.exit(f"buf {command} could not run: {done.stderr.strip() or done.stdout.strip()}")
    found = done.stdout.splitlines()
    if bool(found) != bool(done.returncode):
        sys.exit(f"buf {command} ended with {done.returncode} and said: {done.stdout}{done.stderr}")
    return found


def main() -> int:
    """0 where nothing is found."""
    arguments = argparse.ArgumentParser(description="Lints the contracts and looks for breaking changes.")
    arguments.add_argument("--baseline", action="store_true", help="make the contracts as they stand the new baseline")
    given = arguments.parse_args()
    image = build_image()
    if given.baseline:
        BASELINE.write_bytes(without_comments(image))
        sys.stdout.write(f"baseline written: {BASELINE.relative_to(ROOT)}\n")
    elif not BASELINE.exists():
        sys.exit(f"{BASELINE.relative_to(ROOT)} is missing: make it with --baseline")
    found = lint(image) + [f"BREAKING {line}" for line in breaking(image, BASELINE.read_bytes())]
    sys.stdout.write("".join(f"{line}\n" for line in found) or "contracts: nothing found\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
