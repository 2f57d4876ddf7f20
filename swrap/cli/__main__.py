"""`python -m swrap.cli` is `swrap`."""

from swrap.cli import main

main()
