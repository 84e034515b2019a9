"""`python -m cloudapi`."""

from cloudapi.cli import main

main()
