"""What the documents tell a reader to type or to follow is there: calls with the roles that may give them, tests, files, and headings."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mentorstream.contracts import CONTRACTS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
# A call as it is typed, over as many lines as it takes.
_CALL = re.compile(r"mentorstream call ([a-z]\w*) ([A-Z]\w+)((?:\\\n|[^\n])*)")


def misleading_calls(text: str) -> Iterator[str]:
    """Calls that no contract has, or not for the role that is given."""
    for service, method, rest in _CALL.findall(text):
        contract = CONTRACTS[service].calls.get(method) if service in CONTRACTS else None
        if contract is None:
            yield f"no call {service} {method}"
            continue
        roles = re.findall(r"--role (\w+)", rest)
        yield from (
            f"{method} is not for {role}" for role in roles if not contract.roles & {role, "anyone_known"}
        )  # fmt: skip


def lost_tests(text: str) -> Iterator[str]:
    """Tests that a document names and no file has."""
    for name, test in re.findall(r"`([\w/]+\.py)::(\w+)`", text):
        file = ROOT / name
        if not file.exists() or not re.search(rf"def {test}\(", file.read_text()):
            yield f"no test {name}::{test}"


def dead_links(text: str, of: Path) -> Iterator[str]:
    """Links to files that are not there, or to headings that they do not have."""
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, heading = link.partition("#")
        file = (of.parent / name).resolve() if name else of
        if not file.exists():
            yield f"no file {link}"
        elif heading and heading not in _anchors(text if file == of else file.read_text()):
            yield f"no heading {link}"


def _anchors(text: str) -> set[str]:
    """A document's headings as links name them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_what_a_document_says_can_be_typed_and_followed(document: Path) -> None:
    text = document.read_text()
    assert [*misleading_calls(text), *lost_tests(text), *dead_links(text, document)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mentorstream call sessions HoldSeance --role mentor '{}'", "no call sessions HoldSeance"),
        ("mentorstream call session HoldSession --role mentor", "no call session HoldSession"),
        ("mentorstream call sessions HoldSession \\\n --as m-1 --role learner '{}'", "HoldSession is not for learner"),
        (
            "`tests/architecture/test_documents.py::test_nothing`",
            "no test tests/architecture/test_documents.py::test_nothing",
        ),
        ("`tests/nowhere.py::test_a`", "no test tests/nowhere.py::test_a"),
        ("[there](docs/nowhere.md)", "no file docs/nowhere.md"),
        ("# A heading\n[there](#a-headings)", "no heading #a-headings"),
        ("[there](docs/KSB.md#nothing)", "no heading docs/KSB.md#nothing"),
    ],
)
def test_what_misleads_is_found(text: str, found: str) -> None:
    assert [*misleading_calls(text), *lost_tests(text), *dead_links(text, ROOT / "README.md")] == [found]


def test_what_is_there_is_not_found_fault_with() -> None:
    text = "# The first, hour\n[a](docs/KSB.md) [b](#the-first-hour) [c](https://example.org)"
    text += "\n`tests/architecture/test_documents.py::test_what_misleads_is_found`"
    text += "\nmentorstream call safeguarding RaiseConcern --as m-1 --role eqa"
    assert [*misleading_calls(text), *lost_tests(text), *dead_links(text, ROOT / "README.md")] == []
