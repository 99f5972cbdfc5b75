"""`python -m backchannel`."""

from backchannel.app import main

main()
