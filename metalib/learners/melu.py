"""MeLU: MAML for recommenders, in which what is known of users and films stays and only the decision layers adapt.

Paper: Lee, Im, Jang, Cho, Chung 2019, "MeLU: Meta-Learned User Preference Estimator for Cold-Start Recommendation",
https://arxiv.org/abs/1908.00413, algorithm 1.

    theta_1 = embedding, theta_2 = decision layers:   theta_2,i' = theta_2 - alpha * grad_theta_2 L_i(theta_1, theta_2; support_i)
    theta_1 <- theta_1 - beta * grad sum_i L_i(theta_1, theta_2,i'; query_i),   and theta_2 alike

The paper embeds a film's director, actors, genre and a user's age and job; here a film is its row of x, and a user ratings alone.
"""
from .maml import MAML


class MeLU(MAML):
    """MAML on all layers but the first, which is the embedding. Arguments as for `MAML`.

    The network is `mlp(n_in, embedding, ..., 1)`; the paper takes an embedding of 32 for each field and two layers of 64.
    """

    def adapts(self, name: str) -> bool:
        return not name.startswith("body.0.")
