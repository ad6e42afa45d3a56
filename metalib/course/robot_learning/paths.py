"""Paths of robots for the lab, stepped once, and films.

    python -m metalib measure robots-paths     eight held-out goals of each skill, all settings of the lab (2 minutes)
    python -m metalib figures films            the GIFs in figures/ (MUJOCO_GL=egl where there is no screen; 3 minutes)
"""
from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...recipes import load
from ...storage import MEASURED
from ...tasks.robots.demonstrations import CENTRE, SCALE, recordings, thin
from ...tasks.robots.simulator import SKILLS, Rollout, World, world
from ...storage import shipped
from .measure import STARTS, cloning, learned, scratch

GOALS_SHOWN, DEMOS, STEPS = tuple(range(0, 48, 6)), (1, 2, 3, 5), (0, 1, 2, 5, 10)
FILE = MEASURED / "robots.paths"                            # safetensors, float16
SEEN = [0, 1, 2, 4, 5, 6]                                     # hand x, y, z and object x, y, z


@cache
def kept() -> dict[str, Tensor]:
    """What `paths` made: for each skill `goal` [8, 3]; `demo` [8, 5, 24, 6]; `MAML` [8, 4, 5, 24, 6], `CNP` [8, 4, 24, 6]: hand
    and object in metres for each goal, number of demonstrations, number of inner steps; `.first`: step of success, or -1."""
    from safetensors.torch import load_file
    return {name: values.float() for name, values in load_file(FILE).items()}


def paths() -> dict[str, Tensor]:
    """Step every setting of the lab."""
    found: dict[str, list] = {}

    def keep(name: str, rollout: Rollout) -> None:
        found.setdefault(name, []).append(torch.from_numpy(thin(rollout)[0][:, SEEN]).half())
        first = -1 if rollout.first is None else rollout.first
        found.setdefault(f"{name}.first", []).append(torch.tensor(first, dtype=torch.int16))

    for skill in SKILLS:
        maml, cnp, it = load(f"maml-{skill}"), load(f"cnp-{skill}"), world(skill)
        read = {k: learned(cnp, skill, GOALS_SHOWN, k) for k in DEMOS}
        stepped = {(k, s): learned(maml, skill, GOALS_SHOWN, k, steps=s) for k in DEMOS for s in STEPS}
        for row, goal in enumerate(GOALS_SHOWN):
            for k in DEMOS:
                keep(f"{skill}.CNP", it.rollout("test", goal, read[k][row], STARTS[0]))
                for s in STEPS:
                    keep(f"{skill}.MAML", it.rollout("test", goal, stepped[k, s][row], STARTS[0]))
            found.setdefault(f"{skill}.goal", []).append(torch.from_numpy(it.env._target_pos).half())
        demos = recordings(skill, "test")["demo.x"][list(GOALS_SHOWN)] * torch.from_numpy(SCALE) + torch.from_numpy(CENTRE)
        found[f"{skill}.demo"] = [demo[..., SEEN].half() for demo in demos]
    shapes = {"MAML": (len(DEMOS), len(STEPS)), "CNP": (len(DEMOS),)}
    def shaped(name: str, values: list) -> Tensor:
        stacked, lead = torch.stack(values), shapes.get(name.split(".")[1], ())
        return stacked.view(len(GOALS_SHOWN), *lead, *stacked.shape[1:]).contiguous()
    return {name: shaped(name, values) for name, values in found.items()}


def film(skill: str, goal: int) -> list[np.ndarray]:
    """Frames [180, 600, 3]: the same held-out goal, cloned from scratch, before and after one demonstration was read (MAML)."""
    it, maml = World(skill, camera="corner3"), load(f"maml-{skill}")
    it.env.model.site("goal").size[:], it.env.model.site("goal").rgba[:] = 0.035, (0.0, 1.0, 0.2, 1.0)      # easy to see
    settings = shipped("robots")[skill]["settings"]["from scratch"]
    who = ((cloning(scratch(skill), *settings), {}), (maml, {"steps": 0}), (maml, {}))
    policies = [learned(learner, skill, [goal], **options)[0] for learner, options in who]
    strips = []
    for act in policies:
        strips.append([])
        it.rollout("test", goal, act, STARTS[0], horizon=104, linger=12, watch=strips[-1].append)
    it.close()
    longest = max(map(len, strips))
    strips = [strip + strip[-1:] * (longest - len(strip)) for strip in strips]              # who is done waits
    return [np.concatenate([frame[:, :200] for frame in frames], 1) for frames in zip(*strips)]


def save_gif(frames: list[np.ndarray], file: Path,
             titles: tuple[str, ...] = ("from scratch", "before", "after one demonstration")) -> None:
    """A GIF of 32 colours with a title over each third, the last frame held for a second and a half."""
    from PIL import Image, ImageDraw
    pictures = [Image.fromarray(np.pad(frame, ((16, 0), (0, 0), (0, 0)), constant_values=255)) for frame in frames + frames[-1:]]
    for picture in pictures:
        for i, title in enumerate(titles):
            ImageDraw.Draw(picture).text((i * picture.width // len(titles) + 5, 2), title, fill="black")
    # One palette for all frames, so that what does not move need not be stored again; with a patch of the goal's green in it.
    sample = np.concatenate([np.asarray(pictures[i]) for i in (0, len(pictures) // 2, -1)])
    sample[:60, :60] = (30, 210, 60)
    palette = Image.fromarray(sample).quantize(32)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    lasts = [150] * (len(pictures) - 1) + [1500]                                            # milliseconds
    pictures[0].save(file, save_all=True, append_images=pictures[1:], duration=lasts, loop=0, optimize=True)


def films(folder: str | Path = "figures") -> None:
    """Write the GIFs."""
    for skill, goal in (("reach", 3), ("door-open", 3)):
        save_gif(film(skill, goal), Path(folder) / f"robot-{skill}.gif")
