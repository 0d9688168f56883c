"""Read models as the command line lists them: each copy a line, within 80 columns."""

import io

import pytest
from mentoring.operations.v1 import operations_pb2 as pb
from mentorstream.contracts import CONTRACTS
from mentorstream.operate import projections, show
from rich.console import Console


def test_each_copy_has_a_line_within_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(show, "console", Console(file=out, width=80))
    copies = [
        pb.ProjectionCopy(
            number=10, state=pb.COPY_STATE_SERVING, position=12_345_678, serving_position=12_345_678, parked=1234
        ),
        pb.ProjectionCopy(number=11, state=pb.COPY_STATE_BUILDING, position=2_345_678, serving_position=12_345_678),
    ]
    model = pb.Projection(name="mentorship_register", version=12, copies=copies)
    projections._tell([(service, model) for service in CONTRACTS])
    lines = [line.split() for line in out.getvalue().splitlines()]
    for service in CONTRACTS:
        assert [service, "mentorship_register", "v12", "10", "serving", "12345678", "0", "1234"] in lines
        assert [service, "mentorship_register", "v12", "11", "building", "2345678", "10000000", "0"] in lines
    assert max(map(len, out.getvalue().splitlines())) <= 80
