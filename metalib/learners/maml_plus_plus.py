"""MAML++: three changes that make MAML's training with several inner steps stable, each with its own switch.

Paper: Antoniou, Edwards, Storkey 2019, "How to train your MAML", https://arxiv.org/abs/1810.09502, section 4.

    multi-step loss        sum_t w_t L_i(theta_i^(t); query_i)      w_t = 1 / T at first, all of it on the last step later on
    learned rates          theta_i^(t) = theta_i^(t-1) - alpha[layer, t] * gradient         one for each parameter tensor and step
    derivative order       first order in the first part of training, second order afterwards

The paper's outer rate, which falls along a cosine, is `train(schedule="cosine")`. Its batch norm with statistics, scale and shift of
each step is not here: networks of this library normalise by the batch at hand, in training and afterwards, so there are no statistics
to keep, and scale and shift are parameters like others, which the inner loop moves (the authors' code leaves them out of it).
"""
from torch import Tensor, nn

from ..episodes import Episode
from .base import together
from .maml import MAML, Weights


class MAMLPlusPlus(MAML):
    """MAML with the stabilisers of MAML++. How far training has come is `learner.progress`, from 0 to 1, which `train` keeps.

    Arguments:
        network, inner_lr, eval_steps, loss, inner_clip: as for `MAML`; `inner_lr` is where all rates start. Steps beyond those that were
            trained take the last one's rates.
        inner_steps: five in the paper.
        multi_step_until: share of training over which the weights of the multi-step loss move to the last step, linearly. The authors'
            settings: 10 of 100 epochs on Omniglot, 15 on miniImageNet. 0: the last step's loss alone, as in MAML.
        learn_rates: learn a rate for each parameter tensor and step; else `inner_lr` stays. A rate may turn negative, as in Meta-SGD; under
            Adam it moves by up to the outer rate in each iteration, so an outer rate well below `inner_lr` keeps it near its start.
        first_order_until: share of training without second derivatives; 50 of 100 epochs in the paper. 0: none.

    Raises ValueError for a share outside 0 to 1, when adapting for a layer that was frozen when the learner was made, and as `MAML`.

    Example:
        >>> import metalib as ml
        >>> learner = ml.MAMLPlusPlus(ml.mlp(1, 40, 40, 1), inner_lr=0.01, inner_steps=3)
        >>> learner.rate("head.bias").shape
        torch.Size([3])
    """

    def __init__(self, network: nn.Module, inner_lr: float = 0.01, inner_steps: int = 5, *args, multi_step_until: float = 0.15,
                 learn_rates: bool = True, first_order_until: float = 0.5, **kwargs):
        super().__init__(network, inner_lr, inner_steps, *args, **kwargs)
        for name, share in (("multi_step_until", multi_step_until), ("first_order_until", first_order_until)):
            if not 0 <= share <= 1:
                raise ValueError(f"{name} is {share}; it is a share of training, from 0 to 1.")
        self.multi_step_until, self.first_order_until = multi_step_until, first_order_until
        self.rates = nn.ParameterDict({key(name): p.new_full((inner_steps,), inner_lr) for name, p in network.named_parameters()
                                       if p.requires_grad and learn_rates and inner_steps})

    def meta_loss(self, episode: Episode) -> Tensor:
        if self.progress >= self.multi_step_until or self.inner_steps < 2:
            return super().meta_loss(episode)
        _, *moments = self.path(episode.support)
        losses = [self.task_loss(together(moment.adapted)(episode.query.x), episode.query.y).mean() for moment in moments]
        early = (1 - self.progress / self.multi_step_until) / len(losses)                 # the weight of each step but the last
        return early * sum(losses[:-1]) + (1 - early * (len(losses) - 1)) * losses[-1]

    def gradients(self, loss: Tensor, fast: Weights, create_graph: bool = False) -> Weights:
        return super().gradients(loss, fast, create_graph and self.progress >= self.first_order_until)

    def update(self, fast: Weights, grads: Weights, step: int) -> Weights:
        if not self.rates:
            return super().update(fast, grads, step)
        at = min(step, self.inner_steps - 1)
        return {name: p - self.rate(name)[at] * grads[name] for name, p in fast.items()}

    def rate(self, name: str) -> Tensor:
        """The learned rates of a parameter of the network, [inner_steps]."""
        if key(name) not in self.rates:
            raise ValueError(f"{name} has no learned rates: it was frozen when the learner was made; make the learner after unfreezing it.")
        return self.rates[key(name)]


def key(name: str) -> str:
    """A parameter's name without dots, which no module may have in a name, and never that of a method of `nn.ParameterDict`."""
    return name.replace(".", "/") if "." in name else f"/{name}"
