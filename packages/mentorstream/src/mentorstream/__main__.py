"""`python -m mentorstream`: the same as the command."""

from mentorstream.entry import main

main()
