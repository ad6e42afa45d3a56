"""`python -m metalib.train RECIPE`: another name for `python -m metalib train RECIPE`."""
if __name__ != "__main__":      # imported, this module would hide the function metalib.train
    raise ImportError("metalib.train is a command: python -m metalib train --help. The function is metalib.training.train.")

import sys

from metalib.__main__ import main

main(["train", *sys.argv[1:]])
