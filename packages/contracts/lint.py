"""Judges the contracts as a whole: `buf lint`, `buf breaking` against the committed baseline, and what requests keep to themselves.
It needs no network.

What it protects: stored events are read for ever, so a change that old readers or old bytes would notice is seen. And text that an event
seals is confidential in the request too: else other text in a repeated command is dropped, and it shows in logs.

    lint.py               lints, and compares with proto/baseline.binpb
    lint.py --baseline    makes the contracts as they stand the new baseline, and writes docs/CONTRACTS.md: for additions, or a break that is meant
"""

import argparse
import re
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet
from mentoring.options.v1 import options_pb2

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "proto" / "baseline.binpb"
CONFIG = ROOT / "buf.yaml"
REFERENCE = ROOT / "docs" / "CONTRACTS.md"
BUF = Path(sys.executable).parent / "buf"
SEALED = ".mentoring.common.v1.Sealed"


def build_image() -> bytes:
    """The descriptors of proto/ and of what it imports, with comments. The generated code in the tree is left alone."""
    with tempfile.TemporaryDirectory() as folder:
        runpy.run_path(str(Path(__file__).with_name("generate.py")))["generate"](Path(folder))
        return (Path(folder) / "contracts.binpb").read_bytes()


def reference(image: bytes) -> str:
    """docs/CONTRACTS.md as it is to be."""
    return str(_page()["reference"](image))


def astray(image: bytes) -> list[str]:
    """What the orders of calls in flows.toml name and the contracts do not have, a line each."""
    page = _page()
    found: list[str] = page["astray"](image, page["flows"]())
    return found


def _page() -> dict[str, Any]:
    return runpy.run_path(str(Path(__file__).with_name("reference.py")))


def lint(image: bytes) -> list[str]:
    """What `buf lint` finds, a line each."""
    return _buf("lint", image)


def breaking(image: bytes, baseline: bytes) -> list[str]:
    """What `buf breaking` finds against the baseline, a line each."""
    with tempfile.TemporaryDirectory() as folder:
        against = Path(folder) / "baseline.binpb"
        against.write_bytes(baseline)
        return _buf("breaking", image, "--against", str(against))


def unmarked(image: bytes) -> list[str]:
    """The texts of commands that events seal under the same name, and that are not marked confidential, a line each.

    A command's events are those of its package that have the fields which name its stream. Where one of them holds a field of that name in
    plain, nothing is asked.
    """
    files = list(FileDescriptorSet.FromString(image).file)
    return [
        f"{file.name}: {request.name}.{field.name} is sealed in {sealing[0].name}: mark it CONFIDENTIALITY_CONFIDENTIAL"
        for file in files
        for request, stream in _commands(file, files)
        for field in request.field
        if field.type == FieldDescriptorProto.TYPE_STRING
        and field.options.Extensions[options_pb2.field].confidentiality != options_pb2.CONFIDENTIALITY_CONFIDENTIAL
        and (sealing := _sealing(field.name, stream, file.package, files))
    ]


def unreferenced(image: bytes) -> list[str]:
    """A line where docs/CONTRACTS.md does not say what the contracts say."""
    said = REFERENCE.read_text() if REFERENCE.exists() else ""
    return [] if said == reference(image) else [f"{REFERENCE.relative_to(ROOT)} is behind: make it with --baseline"]


def without_comments(image: bytes) -> bytes:
    """The same contracts without source positions and comments: the baseline changes only where the contracts do."""
    files = FileDescriptorSet.FromString(image)
    for file in files.file:
        file.ClearField("source_code_info")
    return files.SerializeToString(deterministic=True)


def _commands(
    file: FileDescriptorProto, files: list[FileDescriptorProto]
) -> Iterator[tuple[DescriptorProto, frozenset[str]]]:
    """A file's requests that store something, each with the fields that name its stream."""
    requests = {f".{each.package}.{message.name}": message for each in files for message in each.message_type}
    for method in (method for service in file.service for method in service.method):
        stream = method.options.Extensions[options_pb2.command].stream
        if stream:
            yield requests[method.input_type], frozenset(re.findall(r"\{(\w+)", stream))


def _sealing(
    name: str, stream: frozenset[str], package: str, files: list[FileDescriptorProto]
) -> list[DescriptorProto]:
    """The events of a stream that seal a field of this name; none where any of them holds it in plain."""
    events = [
        message
        for file in files
        if file.package == package
        for message in file.message_type
        if message.options.HasExtension(options_pb2.event) and stream | {name} <= {each.name for each in message.field}
    ]
    are_sealed = [each.type_name == SEALED for event in events for each in event.field if each.name == name]
    return events if all(are_sealed) else []


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
        REFERENCE.write_text(reference(image))
        sys.stdout.write(f"written: {BASELINE.relative_to(ROOT)} {REFERENCE.relative_to(ROOT)}\n")
    elif not BASELINE.exists():
        sys.exit(f"{BASELINE.relative_to(ROOT)} is missing: make it with --baseline")
    found = (
        lint(image)
        + unmarked(image)
        + astray(image)
        + unreferenced(image)
        + [f"BREAKING {line}" for line in breaking(image, BASELINE.read_bytes())]
    )
    sys.stdout.write("".join(f"{line}\n" for line in found) or "contracts: nothing found\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
