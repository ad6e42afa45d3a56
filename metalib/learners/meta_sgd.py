"""Meta-SGD: learn the initial parameters and, for each of them, its own inner learning rate.

Paper: Li, Zhou, Chen, Li 2017, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", https://arxiv.org/abs/1707.09835.

    theta_i' = theta - alpha * grad_theta L_i(theta; support_i)       alpha: learned, as large as theta, elementwise
"""
import torch
from torch import nn

from .maml import MAML, Weights


class MetaSGD(MAML):
    """MAML with a learned rate per parameter. Arguments as for `MAML`; `inner_lr` is where all rates start.

    A learned rate may turn negative: the update can then climb along a coordinate, as in the paper.
    """

    def __init__(self, network: nn.Module, inner_lr: float = 0.01, *args, **kwargs):
        super().__init__(network, inner_lr, *args, **kwargs)
        self.rates = nn.ParameterDict({name.replace(".", "/"): torch.full_like(p, inner_lr)
                                       for name, p in network.named_parameters() if p.requires_grad})

    def update(self, fast: Weights, grads: Weights, step: int) -> Weights:
        return {name: p - self.rates[name.replace(".", "/")] * grads[name] for name, p in fast.items()}
