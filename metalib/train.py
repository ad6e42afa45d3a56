"""`python -m metalib.train RECIPE`; under `torchrun`, the same with the meta-batch split over the processes."""
if __name__ != "__main__":      # imported, this module would hide the function metalib.train
    raise ImportError("metalib.train is a command: python -m metalib.train --help. The function is metalib.training.train.")

from .recipes import main

main()
