"""How to learn from a support set: one file per algorithm."""
from .anil import ANIL
from .base import Learner
from .baselines import FromScratch, NearestCentroid, Pretrained
from .maml import MAML, Adapted
from .meta_sgd import MetaSGD
from .reptile import Reptile

__all__ = ["ANIL", "Adapted", "FromScratch", "Learner", "MAML", "MetaSGD", "NearestCentroid", "Pretrained", "Reptile"]
