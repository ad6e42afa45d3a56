"""What chapter 5 concludes, and how it is measured."""
from .papers_claims import PAPERS, ZERO

CLAIMS = [*PAPERS, ZERO]
