"""C{python -m euca_tw.admin} is C{euca-tw}."""

from euca_tw.admin.command import main

main()
