"""Proto files compiled where they are used, against the contracts' own options, so that tests need no generated code."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Their descriptors have to be in the pool before any file that imports them.
from buf.validate import validate_pb2 as _rules  # noqa: F401
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor
from grpc_tools import protoc
from mentoring.common.v1 import common_pb2 as _common  # noqa: F401
from mentoring.options.v1 import options_pb2

_KNOWN = Path(options_pb2.__file__).parents[3] / "contracts.binpb"


@dataclass(frozen=True)
class Compiled:
    file: FileDescriptor
    messages: dict[str, Any]


def compiled(*protos: Path) -> list[Compiled]:
    """Each file with its message classes."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.binpb"
        given = [
            f"--descriptor_set_in={_KNOWN}",
            *(f"-I{proto.parent}" for proto in protos),
            f"--descriptor_set_out={out}",
        ]
        assert protoc.main(["protoc", *given, *(proto.name for proto in protos)]) == 0, "protoc's message is above"
        made = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
    pool = descriptor_pool.Default()
    for proto in made.file:
        pool.AddSerializedFile(proto.SerializeToString())
    files = [pool.FindFileByName(proto.name) for proto in protos]
    return [
        Compiled(
            file, {name: message_factory.GetMessageClass(kind) for name, kind in file.message_types_by_name.items()}
        )
        for file in files
    ]
