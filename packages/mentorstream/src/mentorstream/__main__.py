"""`python -m mentorstream`: the same as the command."""

from mentorstream.cli import main

main()
