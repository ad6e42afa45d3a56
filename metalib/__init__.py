"""metalib: the implementations behind the course Learning to Learn.

    import metalib as ml
    predict = learner.adapt(support)      # learn a task from its few examples
    answers = predict(query_x)            # use what was learned
"""
import importlib

from . import metrics, tasks
from .episodes import Episode, Examples, Tasks, task_loss, task_score
from .learners import (ANIL, CNP, IMAML, MAML, SGD, Adam, Adapted, CheckpointedMAML, Classical, CNPClassifier, Controller,
                       FromScratch, InContext, InContextClassifier, Learner, MAMLPlusPlus, MatchingNet, MetaLSTM, MetaSGD, Metric,
                       Momentum, NearestCentroid, PolicyGradient, Pretrained, ProtoMAML, ProtoNet, R2D2, RelationNet, Reptile, Unrolled, embedder)
from .networks import Network, conv4, mlp
from .proof import proof
from .recipes import RECIPES, card, load
from .evaluation import Score, evaluate
from .storage import load_adapted, save_adapted
from .training import NonFiniteLoss, setup, train

__all__ = ["ANIL", "Adam", "Adapted", "CNP", "CNPClassifier", "CheckpointedMAML", "Classical", "Controller", "Episode", "Examples", "FromScratch",
           "IMAML", "InContext", "InContextClassifier", "Learner", "MAML", "MAMLPlusPlus", "MatchingNet", "MetaLSTM", "MetaSGD", "Metric",
           "Momentum", "NearestCentroid", "Network", "NonFiniteLoss", "PolicyGradient", "Pretrained", "ProtoMAML", "ProtoNet", "R2D2", "RECIPES",
           "RelationNet", "Reptile", "SGD", "Score", "Tasks", "Unrolled", "card", "conv4", "embedder", "evaluate", "load", "load_adapted",
           "metrics", "mlp", "proof", "save_adapted", "setup", "task_loss", "task_score", "tasks", "train"]


def __getattr__(name: str):
    """Drawing, labs, checkers and data load when first named: `import metalib` costs little more than `import torch`."""
    if name in ("checks", "claims", "labs"):
        return importlib.import_module(f".course.{name}", __name__)
    if name in ("data", "figures"):
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'metalib' has no attribute {name!r}")
