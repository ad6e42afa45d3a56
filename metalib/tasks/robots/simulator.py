"""Meta-World behind one door: a robot arm in MuJoCo, its held-out goals, its scripted experts, one rollout at a time.

Yu et al. 2019, "Meta-World: A Benchmark and Evaluation for Multi-Task and Meta Reinforcement Learning",
https://arxiv.org/abs/1910.10897 (version 3.1.1, ML1: one skill, 50 goals for training and 50 others for testing).
Metaworld and MuJoCo are imported at the first rollout, not before.
"""
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...episodes import generator

SKILLS = {"reach": "reach-v3", "door-open": "door-open-v3", "pick-place": "pick-place-v3"}
SPLITS = ("train", "test")
GOALS = 50                                          # in each split
SEED = 7                                            # of the benchmark's goals: test goals are drawn with SEED + 1
HORIZON = 150                                       # steps; the experts need 45 to 100
# Where a rollout's hand may start, metres from its usual place; not to the right of it: from there the door's expert often fails.
LOW, HIGH = np.array([-0.15, -0.1, -0.05]), np.array([0.0, 0.1, 0.05])
STATE, ACTION = 7, 4                                # hand x, y, z, opening, object x, y, z; hand dx, dy, dz, grip
CENTRE = np.array([0.0, 0.7, 0.18, 0.6, 0.0, 0.7, 0.1])
SCALE = np.array([0.12, 0.12, 0.08, 0.3, 0.12, 0.12, 0.08])     # a policy sees (state - CENTRE) / SCALE
DRAWING = "set MUJOCO_GL=egl, or osmesa where its library is installed, before Python starts."

Policy = Callable[[np.ndarray], np.ndarray]


class SimulatorError(RuntimeError):
    """The simulator is not installed, or does not start."""


@dataclass(frozen=True)
class Rollout:
    """One episode, as stepped.

    Arguments:
        states: what the policy saw before each step, [steps, 7], in metres (opening: 0 to 1).
        actions: what the policy answered, [steps, 4], clipped to [-1, 1]; with noise, the robot did something else.
        first: the step at which the simulator first said success; None if it never did.
    """

    states: np.ndarray
    actions: np.ndarray
    first: int | None

    @property
    def success(self) -> bool:
        return self.first is not None


class World:
    """One skill of Meta-World with its 2 x 50 goals; with a camera's name, such as "corner3", rollouts can be filmed.

    Raises:
        ValueError: for an unknown skill.
        SimulatorError: where metaworld is not installed or MuJoCo does not start.
    """

    def __init__(self, skill: str, camera: str | None = None):
        check(skill)
        try:
            import metaworld
            from metaworld.policies import ENV_POLICY_MAP
        except ModuleNotFoundError as error:
            raise SimulatorError(f"stepping a robot needs metaworld, which cannot be imported ({error}); get it: pip install "
                                 "\"metalib[robots]\", on Python 3.13 or older. The shipped demonstrations and results work without it.") from error
        except Exception as error:                              # MuJoCo loads OpenGL as MUJOCO_GL says: errors of many kinds
            raise SimulatorError(f"MuJoCo cannot be loaded ({type(error).__name__}: {error}); {DRAWING}") from error
        name = SKILLS[skill]
        try:
            benchmark = metaworld.ML1(name, seed=SEED)
            film = {} if camera is None else dict(render_mode="rgb_array", camera_name=camera, width=240, height=180)
            self.env = benchmark.train_classes[name](**film)
        except Exception as error:                              # MuJoCo's own errors are of many kinds
            raise SimulatorError(f"the simulator of {skill!r} does not start ({type(error).__name__}: {error}); see "
                                 "https://mujoco.readthedocs.io for what MuJoCo needs on this machine.") from error
        self.skill, self.expert = skill, ENV_POLICY_MAP[name]()
        self.tasks = dict(zip(SPLITS, (benchmark.train_tasks, benchmark.test_tasks)))
        self.home = self.env.hand_init_pos.copy()

    def rollout(self, split: str, goal: int, policy: Policy | None = None, start: int = 0, noise: float = 0.0,
                horizon: int = HORIZON, linger: int = 5, watch: Callable[[np.ndarray], None] | None = None) -> Rollout:
        """Step one episode until `linger` steps after its first success, or to the horizon.

        Arguments:
            split, goal: which of the goals.
            policy: state [7] -> action [4]; None: the scripted expert, which is told the goal.
            start: seed of the place where the hand starts, and of the noise.
            noise: how hard the robot is pushed off its path, now and then; the actions recorded stay the policy's own.
            watch: called with a picture [180, 240, 3] at every fourth step, where there is a camera.
        """
        rng, env = generator((SPLITS.index(split), goal, start)), self.env
        env.hand_init_pos = self.home + rng.uniform(LOW, HIGH)
        env.set_task(self.tasks[split][goal])
        seen, _ = env.reset()
        states, actions, first, push = [], [], None, np.zeros(ACTION)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")                     # the experts ask for more than 1, and say so each time
            for step in range(horizon):
                state = seen[:STATE].copy()
                # The expert may write into what it is given, so it gets a copy; the goal is hidden from everyone else.
                answer = policy(state) if policy else self.expert.get_action(np.concatenate([seen[:-3], env._target_pos]))
                states.append(state)
                actions.append(np.clip(answer, -1, 1))
                if step % 8 == 0:                               # one stretch of eight steps in three is disturbed
                    push = noise * rng.standard_normal(ACTION) * (rng.rand() < 1 / 3)
                seen, *_, info = env.step(np.clip(actions[-1] + push, -1, 1))
                if watch and step % 4 == 0:
                    watch(self.picture())
                if first is None and info["success"]:
                    first = step
                if first is not None and step >= first + linger:
                    break
        return Rollout(np.array(states), np.array(actions), first)

    def picture(self) -> np.ndarray:
        """What the camera sees, [180, 240, 3]; it is mounted upside down.

        Raises SimulatorError where nothing can be drawn on this machine.
        """
        try:
            return self.env.render()[::-1, ::-1]
        except Exception as error:                              # OpenGL's errors are of many kinds
            raise SimulatorError(f"this machine cannot draw ({type(error).__name__}: {error}); {DRAWING}") from error

    def close(self) -> None:
        self.env.close()


@cache
def world(skill: str) -> World:
    """The one simulator of a skill: a second to build, then some 2,000 steps a second."""
    return World(skill)


def check(skill: str, split: str = "test") -> None:
    """Raise a ValueError for a skill or split that there is not."""
    if skill not in SKILLS:
        raise ValueError(f"skill is {skill!r}; use one of {', '.join(map(repr, SKILLS))}.")
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; use 'train' or 'test'.")
