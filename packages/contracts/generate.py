"""Compiles `proto/` into `packages/contracts/src`: messages, services' descriptors and their type stubs.

The rules of `buf/validate/validate.proto` come out of the protovalidate wheel, so no foreign file is copied into the repository.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from google.protobuf import descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

ROOT = Path(__file__).resolve().parents[2]
PROTO = ROOT / "proto"
STUBS = Path(sys.executable).parent / "protoc-gen-mypy"
OUT = Path(__file__).resolve().parent / "src"


def foreign_descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The descriptors of what our files import and do not hold themselves."""
    found = descriptor_pb2.FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, timestamp_pb2):
        module.DESCRIPTOR.CopyToProto(found.file.add())
    found.file.add().ParseFromString(validate_pb._DESC.proto.to_binary())
    return found


def generate(out: Path) -> None:
    """Writes `buf/` and `mentoring/` below `out`; raises SystemExit with protoc's own message where a file is wrong."""
    ours = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder) / "foreign.binpb"
        descriptors.write_bytes(foreign_descriptors().SerializeToString())
        # protoc takes files from a descriptor set or from folders, so the whole set is built first.
        whole = Path(folder) / "whole.binpb"
        run(
            f"--descriptor_set_in={descriptors}", f"--proto_path={PROTO}", f"--descriptor_set_out={whole}",
            "--include_imports", "--include_source_info", *ours,
        )  # fmt: skip
        staged = Path(folder) / "src"
        staged.mkdir()
        run(
            f"--plugin=protoc-gen-mypy={STUBS}", f"--descriptor_set_in={whole}",
            f"--python_out={staged}", f"--mypy_out=quiet:{staged}",
            "buf/validate/validate.proto", *ours,
        )  # fmt: skip
        for package in [path for path in staged.rglob("*") if path.is_dir()]:
            (package / "__init__.py").write_text("")
            (package / "py.typed").write_text("")
        out.mkdir(parents=True, exist_ok=True)
        for name in ("buf", "mentoring"):
            shutil.rmtree(out / name, ignore_errors=True)
            shutil.move(str(staged / name), str(out / name))
        shutil.copy(whole, out / "contracts.binpb")


def run(*arguments: str) -> None:
    """One call of protoc."""
    if protoc.main(["protoc", *arguments]) != 0:
        sys.exit("proto/ does not compile: protoc's message above names the file and the line")


if __name__ == "__main__":
    generate(OUT)
