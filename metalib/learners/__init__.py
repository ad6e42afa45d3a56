"""How to learn from a support set: one file per algorithm."""
from .anil import ANIL
from .base import Learner
from .baselines import FromScratch, NearestCentroid, Pretrained
from .cnp import CNP, CNPClassifier
from .embedding import Metric, embedder
from .maml import MAML, Adapted
from .matching import MatchingNet
from .meta_sgd import MetaSGD
from .protonet import ProtoNet
from .relation import RelationNet
from .reptile import Reptile

__all__ = ["ANIL", "Adapted", "CNP", "CNPClassifier", "FromScratch", "Learner", "MAML", "MatchingNet", "MetaSGD", "Metric",
           "NearestCentroid", "Pretrained", "ProtoNet", "RelationNet", "Reptile", "embedder"]
