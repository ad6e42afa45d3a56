"""Convolutions of many tasks at once: the same answers and meta-gradients as one task after another."""
import pytest
import torch
from torch import nn

import metalib as ml
from metalib.learners import batched_conv, forward


def pooled():
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4, track_running_stats=False), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(4, 6, 3, bias=False), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Flatten(), nn.Linear(54, 3))


def unusual():
    return nn.Sequential(nn.Sequential(nn.Conv2d(1, 4, 3, stride=2, padding="valid"), nn.GELU(), nn.AvgPool2d(2)),
                         nn.Conv2d(4, 8, 3, padding="same", dilation=2, groups=2), nn.BatchNorm2d(8, affine=False, track_running_stats=False),
                         nn.LeakyReLU(), nn.AdaptiveAvgPool2d((2, 1)), nn.Flatten(), nn.Linear(16, 7), nn.Tanh(), nn.Linear(7, 3, bias=False))


def episode(n_query: int = 2) -> ml.Episode:
    """5 tasks: no multiple of any number of tasks at once."""
    full = ml.tasks.Glyphs().sample(5, n_way=3, k_shot=1, n_query=n_query, seed=1).to(torch.float64)
    return ml.Episode(*(ml.Examples(part.x[..., 6:22, 6:22].contiguous(), part.y) for part in (full.support, full.query)))


def meta_gradient(network: nn.Module, episode: ml.Episode) -> torch.Tensor:
    learner = ml.MAML(network.double(), inner_lr=0.4, inner_steps=2)
    learner.backward(episode)
    return torch.cat([p.grad.flatten() for p in learner.parameters() if p.requires_grad])


def counted(monkeypatch) -> list[int]:
    """Counts the calls that take the batched path."""
    calls, real = [], batched_conv.run
    monkeypatch.setattr(batched_conv, "run", lambda layers, fast, shared, x: calls.append(len(x)) or real(layers, fast, shared, x))
    return calls


@pytest.mark.parametrize("make", [pooled, unusual, lambda: ml.conv4(3, 4, "max", image_size=16), lambda: ml.conv4(3, 4, image_size=16)])
@pytest.mark.parametrize("n_query", [2, 20])                       # few images a task, and so many that they lie channels last
@pytest.mark.parametrize("frozen", [None, "weight", "conv"])
def test_meta_gradients_equal_one_task_after_another(make, n_query, frozen, monkeypatch):
    torch.manual_seed(0)
    network = make()
    for name, p in network.named_parameters():                          # a shared norm or bias; a shared first convolution
        p.requires_grad_(not (frozen == "weight" and p.ndim == 1 or frozen == "conv" and name in ("0.weight", "body.0.weight")))
    calls = counted(monkeypatch)
    found = meta_gradient(network, episode(n_query))
    assert calls == [5, 5, 5]                                           # two inner steps and the queries
    monkeypatch.setattr(batched_conv, "stack", lambda network, weights: None)
    monkeypatch.setattr(forward, "vmappable", lambda network: False)
    network.zero_grad()
    literal = meta_gradient(network, episode(n_query))
    assert calls == [5, 5, 5]
    assert (found - literal).norm() < 1e-10 * literal.norm()


class Twice(nn.Conv2d):
    """Not a convolution any more."""

    def forward(self, x):
        return 2 * super().forward(x)


def heard():
    network = pooled()
    network.heard = []
    network[2].register_forward_hook(lambda layer, inputs, output: network.heard.append(output.shape))
    return network


def shared_layer():
    layer = nn.Conv2d(1, 1, 3, padding=1)
    return nn.Sequential(layer, nn.ReLU(), layer, nn.Flatten(), nn.Linear(256, 3))


@pytest.mark.parametrize("make", [
    heard, shared_layer,
    lambda: nn.Sequential(Twice(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(512, 3)),
    lambda: nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.Flatten(), nn.Linear(512, 3)),
    lambda: nn.Sequential(nn.Conv2d(1, 3, 16), nn.Flatten(), nn.Softmax(-1)),
    lambda: nn.Sequential(nn.Conv2d(1, 3, 16), nn.GroupNorm(1, 3), nn.Flatten())])
def test_what_it_does_not_know_goes_the_general_way(make, monkeypatch):
    network = make()
    calls = counted(monkeypatch)
    assert meta_gradient(network, episode()).isfinite().all()
    assert not calls and getattr(network, "heard", True)


def test_the_rule_bounds_what_is_held_at_once():
    for n in range(1, 200):
        tasks, layout = batched_conv.at_once(n)
        assert 1 <= tasks <= 8 and (tasks * n <= 100 or tasks == 2)
    assert batched_conv.at_once(5) == (8, torch.contiguous_format)
    assert batched_conv.at_once(75) == (2, torch.channels_last)


def test_large_images_take_fewer_tasks_at_once_and_the_same_gradient():
    assert [ml.conv4(image_size=size).task_chunk for size in (16, 28, 32, 84)] == [8, 8, 6, 1]
    found = []
    for chunk in (1, 2, 5):
        torch.manual_seed(0)
        learner = ml.MAML(ml.conv4(3, 4, image_size=16).double(), inner_lr=0.4)
        for part in episode().split(chunk):
            learner.backward(part, len(part) / 5)
        found.append(torch.cat([p.grad.flatten() for p in learner.parameters()]))
    assert all((one - found[0]).norm() < 1e-10 * found[0].norm() for one in found)
