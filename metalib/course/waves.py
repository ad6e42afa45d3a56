"""A wave and what a learner makes of it: the picture that several chapters draw."""
import torch

from ..episodes import Episode
from ..figures import BLACK, BLUE, GREY, ORANGE, SKY, plain


def waves(axes, learner, episode: Episode, steps: tuple[int, ...] = (0, 1, 10)) -> None:
    """One sinusoid task and a learner's predictions after some numbers of steps."""
    x = torch.linspace(-5, 5, 201)[None, :, None]
    plain(axes, "", "x", "y")
    axes.plot(x[0, :, 0], episode.about["amplitude"] * torch.sin(x[0, :, 0] + episode.about["phase"]),
              color=GREY, lw=4, alpha=0.5, label="the wave")
    for count, style, colour in zip(steps, (":", "--", "-"), (ORANGE, SKY, BLUE)):
        axes.plot(x[0, :, 0], learner.adapt(episode.support, steps=count)(x)[0, :, 0], style, color=colour, lw=2,
                  label=f"{count} step{'s' * (count != 1)}")
    axes.plot(episode.support.x[0, :, 0], episode.support.y[0, :, 0], "o", color=BLACK, ms=5, label="support")
    axes.set_ylim(-5.5, 5.5)
    axes.label_outer()
