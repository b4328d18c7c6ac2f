"""`python -m services.operator` is the command `renkei`."""

from services.operator.command import main

main()
