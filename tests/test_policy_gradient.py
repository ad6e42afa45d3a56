"""Adapting from rewards: the world, the gradient against other ways to the same number, what the shipped learner earns."""
import pytest
import torch
from torch.distributions import Normal

import metalib as ml
from metalib.course.robot_learning import navigation
from metalib.episodes import Examples
from metalib.learners import Gaussian, PolicyGradient
from metalib.learners.policy_gradient import advantages
from metalib.tasks import Navigation

SHORT = Navigation(horizon=12)


def small(steps=1):
    torch.manual_seed(0)
    return PolicyGradient(Gaussian(ml.mlp(2, 8, 2), spread=0.5), SHORT, inner_lr=0.3, inner_steps=steps).double()


def drawn(n=2, seed=1):
    return SHORT.sample(n, k_shot=6, n_query=5, seed=seed).to(torch.float64)


def test_an_attempt_is_over_when_it_is_there():
    goal = torch.tensor([[0.25, -0.05]])
    places = navigation.straight(goal)
    rewards, on = Navigation().reward(places.unflatten(-1, (-1, 2)), goal[:, None])
    off = [(0.15 ** 2 + 0) ** 0.5, 0.05, 0.0]                       # after moves of 0.1, 0.1 and 0.05
    torch.testing.assert_close(rewards[0, 0, :3], -torch.tensor(off), atol=1e-6, rtol=0)
    assert on[0, 0].tolist() == [1, 1, 1] + [0] * 97 and float(rewards.sum()) == pytest.approx(-0.2, abs=1e-6)
    far = Navigation().reward(torch.zeros(1, 1, 100, 2), goal[:, None])[1]
    assert far.sum() == 100


def test_nothing_that_a_policy_sees_tells_the_goal():
    """Other goals, the same dice: before the first step every attempt is the same, afterwards it is not."""
    episode, learner = drawn(), small()
    dice = episode.support.x[:1].expand(2, -1, -1)
    twice = Examples(dice, episode.support.y)
    with torch.no_grad():
        before, after = (learner.adapt(twice, steps=steps)(dice) for steps in (0, 1))
        again = learner.adapt(twice, steps=1)(dice)
    assert torch.equal(before[0], before[1]) and not torch.equal(after[0], after[1]) and torch.equal(after, again)


def test_the_inner_step_is_reinforce():
    """Task by task, by torch.distributions, where the batched learner writes the density out."""
    episode, learner = drawn(), small()
    moment = list(learner.path(episode.support, steps=1))[1]
    before, actions, after = learner.attempt(learner.start(2, False), episode.support.x)
    rewards, on = SHORT.reward(after, episode.support.y)
    gains = advantages(before, rewards, on, 0.99)
    for task in range(2):
        mean, log_spread = learner.network(before[task].flatten(0, 1)).chunk(2, -1)
        likelihood = Normal(mean, log_spread.exp()).log_prob(actions[task].flatten(0, 1)).sum(-1)
        loss = -(likelihood * gains[task].flatten()).sum() / on[task].sum()
        for (name, p), g in zip(learner.network.named_parameters(), torch.autograd.grad(loss, list(learner.network.parameters()))):
            torch.testing.assert_close(moment.adapted.fast[name][task], p - 0.3 * g)


def test_the_outer_gradient_agrees_with_finite_differences(monkeypatch):
    """On attempts that are kept: how they came about does not answer for the loss."""
    episode, learner = drawn(), small()
    kept = []
    real = learner.attempt
    monkeypatch.setattr(learner, "attempt", lambda policy, dice: kept.append(real(policy, dice)) or kept[-1])
    learner.train()
    learner.backward(episode)
    assert len(kept) == 2

    def loss():
        again = iter(kept)
        monkeypatch.setattr(learner, "attempt", lambda policy, dice: next(again))
        *_, moment = learner.path(episode.support)
        return float(learner.surrogate(moment.adapted, episode.query).mean().detach())
    for p in learner.network.parameters():
        for at in [tuple(int(i) for i in torch.randint(0, 10_000, (p.ndim,)) % torch.tensor(p.shape)) for _ in range(3)]:
            value, ends = p.data[at].clone(), []
            for step in (1e-5, -1e-5):
                p.data[at] = value + step
                ends.append(loss())
            p.data[at] = value
            assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(float(p.grad[at]), rel=1e-4, abs=1e-8)


def test_advantages_have_mean_0_and_spread_1_over_the_moves_that_were_made():
    episode, learner = drawn(3), small()
    before, _, after = learner.attempt(learner.start(3, False), episode.support.x)
    rewards, on = SHORT.reward(after, episode.support.y)
    gains = advantages(before, rewards, on, 0.99)
    assert (gains[on == 0] == 0).all()
    for one, made in zip(gains, on):
        assert one[made > 0].mean().abs() < 1e-9 and one[made > 0].std(unbiased=False) == pytest.approx(1, abs=1e-6)


def test_a_policy_that_runs_straight_away_has_advantages_too():
    """Its places are its times: in single precision the baseline's equations were singular."""
    places = 0.1 * torch.arange(100.0)[None, None, :, None].expand(1, 40, -1, 2)
    rewards = -(places - 0.3).norm(dim=-1)
    assert advantages(places, rewards, torch.ones_like(rewards), 0.99).isfinite().all()


def test_three_rewards_tell_the_goal():
    places = torch.tensor([[0.1, 0.0], [0.05, 0.08], [-0.02, 0.1]]).double()
    goal = torch.tensor([-0.31, 0.44]).double()
    torch.testing.assert_close(navigation.goal_from(places, -(places - goal).norm(dim=-1)), goal)


@pytest.mark.parametrize("make, words", [
    (lambda: Navigation(horizon=0), "horizon is 0"), (lambda: Navigation(size=-1.0), "size is -1.0"),
    (lambda: Navigation().sample(0), "n_tasks is 0"), (lambda: Gaussian(ml.mlp(2, 2), spread=0.0), "spread is 0.0"),
])
def test_bad_settings_get_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_rate_for_each_step_that_is_the_learner_s_own_walks_the_same_way():
    learner = small()
    one, shrink = learner.inner_lr, learner.later
    each = navigation.StepByStep(learner)
    each.rates = [one, one * shrink, one * shrink ** 2]
    episode = drawn()

    def walked(one):
        return one.adapt(episode.support, steps=3)(episode.query.x)
    torch.testing.assert_close(walked(each.double()), walked(learner))
    each.rates = [one, one, one]
    assert not torch.allclose(walked(each), walked(learner))
