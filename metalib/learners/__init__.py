"""How to learn from a support set: one file per algorithm."""
from .anil import ANIL
from .base import Learner
from .baselines import FromScratch, NearestCentroid, Pretrained
from .checkpointed import CheckpointedMAML
from .classical import Classical
from .cnp import CNP, CNPClassifier
from .controller import Controller
from .embedding import Metric, embedder
from .hand_made import SGD, Adam, Momentum
from .imaml import IMAML
from .in_context import InContext, InContextClassifier
from .maml import MAML, Adapted
from .maml_plus_plus import MAMLPlusPlus
from .matching import MatchingNet
from .melu import MeLU
from .meta_lstm import MetaLSTM
from .meta_sgd import MetaSGD
from .policy_gradient import Gaussian, PolicyGradient
from .protomaml import ProtoMAML
from .protonet import ProtoNet
from .r2d2 import R2D2
from .recommenders import Neighbours, OnTop, RidgeHead
from .relation import RelationNet
from .reptile import Reptile
from .unrolled import Unrolled
