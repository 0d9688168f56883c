"""What a file may be called: one name, that no system takes for anything else."""

import re

from eventkernel.aggregate import Refusal

# Nothing that some system takes for a folder, a command or the end of a line.
_NO_FILE_NAME = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]|^\.|[. ]$')


def refuse_no_file_name(name: str, field: str) -> None:
    """Raises Refusal FILE_NAME_INVALID, at this field of the request, where it is not a file's name by itself."""
    if _NO_FILE_NAME.search(name):
        raise Refusal(
            "FILE_NAME_INVALID",
            "that is no file's name by itself; give it without folders, control characters or any of / \\ : * ? \" < > |",
            field=field,
        )
