"""`python -m metalib.figures`: write the figures of README and slides into figures/."""
from . import main

main()
