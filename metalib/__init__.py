"""metalib: the implementations behind the course Learning to Learn."""
from . import tasks
from .episodes import Episode, Examples, task_loss, task_score
from .learners import *
from .networks import Network, conv4, mlp
