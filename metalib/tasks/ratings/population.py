"""Who rated which film how: the table behind every recommender, and an invented population to fill one without any download.

    stars = 3.5 + quality of the film + mood of the user + wishes of the user . nature of the film + noise,  in halves, 0.5 to 5

The last product has few dimensions (a *low-rank* population, as in Koren, Bell, Volinsky 2009, "Matrix Factorization Techniques
for Recommender Systems", https://doi.org/10.1109/MC.2009.263), and a film's nature is its genres' plus something of its own.
"""
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...episodes import at_least, generator

GENRES = ("Adventure", "Animation", "Comedy", "Crime", "Documentary", "Drama", "Horror", "Romance")
FIRST = ("Silent", "Crooked", "Last", "Paper", "Hidden", "Golden", "Borrowed", "Winter", "Electric", "Lonely", "Second", "Green",
         "Wandering", "Broken", "Midnight", "Honest", "Distant", "Velvet", "Unwritten", "Stubborn")
SECOND = {"Adventure": ("Compass", "River", "Summit", "Voyage"), "Animation": ("Kite", "Hedgehog", "Balloon", "Robot"),
          "Comedy": ("Wedding", "Landlord", "Umbrella", "Goose"), "Crime": ("Alibi", "Ledger", "Witness", "Harbour"),
          "Documentary": ("Glacier", "Archive", "Orchestra", "Desert"), "Drama": ("Letter", "Orchard", "Daughter", "Bridge"),
          "Horror": ("Cellar", "Mirror", "Lighthouse", "Guest"), "Romance": ("Summer", "Piano", "Promise", "Platform")}


@dataclass(frozen=True, eq=False)
class Table:
    """Ratings, one per row, and what is known of the films.

    Arguments:
        user, film: numbers from 0, [ratings]. stars: 0.5 to 5, [ratings].
        titles: one per film. year: of each film, [films]; NaN where it is not known.
        genres: which genres each film has, bool [films, len(names)]. names: of the genres.
        when: each rating was given, in any unit, [ratings]; None where it is not known.
    """

    user: np.ndarray
    film: np.ndarray
    stars: np.ndarray
    titles: Sequence[str]
    year: np.ndarray
    genres: np.ndarray
    names: Sequence[str]
    when: np.ndarray | None = None

    @property
    def n_users(self) -> int:
        return int(self.user.max()) + 1


def population(n_users: int = 1_000, n_films: int = 400, rank: int = 3, seed: int = 0) -> Table:
    """An invented population: everybody has rated 25 films or more, popular ones more often.

    Arguments:
        n_users, n_films: how many; at least 100 films, or a ValueError.
        rank: dimensions of wishes and natures. seed: which population.
    """
    at_least(1, n_users=n_users, rank=rank)
    at_least(100, n_films=n_films)
    rng, n_genres = generator((61, seed)), len(GENRES)
    main = rng.randint(0, n_genres, n_films)
    genres = np.eye(n_genres, dtype=bool)[main] | (rng.rand(n_films, n_genres) < 0.12)
    nature = 0.3 * (genres / np.sqrt(genres.sum(1, keepdims=True))) @ rng.standard_normal((n_genres, rank))
    nature += 0.15 * rng.standard_normal((n_films, rank))                                 # its genres', and its own
    quality, mood = 0.45 * rng.standard_normal(n_films), 0.45 * rng.standard_normal(n_users)
    wishes = rng.standard_normal((n_users, rank))
    known = np.log(rng.pareto(1.2, n_films) + 0.2)                                        # how widely a film is known
    count = np.clip(25 * np.exp(rng.exponential(0.7, n_users)), 25, n_films // 3).astype(int)
    seen = np.argsort(-(known + rng.gumbel(size=(n_users, n_films))), axis=1)             # each user's films, drawn by renown
    user = np.repeat(np.arange(n_users), count)
    film = np.concatenate([row[:n] for row, n in zip(seen, count)])
    stars = 3.5 + quality[film] + mood[user] + (wishes[user] * nature[film]).sum(1) + 0.75 * rng.standard_normal(len(user))
    names = [f"The {FIRST[rng.randint(len(FIRST))]} {SECOND[GENRES[g]][rng.randint(4)]}" for g in main]
    year = rng.randint(1950, 2025, n_films).astype(float)
    titles = [f"{name} ({y:.0f})" for name, y in zip(names, year)]
    titles = [f"{t[:-7]} {'I' * (1 + titles[:i].count(t))}{t[-7:]}" if t in titles[:i] else t for i, t in enumerate(titles)]
    return Table(user, film, np.clip(np.round(2 * stars) / 2, 0.5, 5.0), titles, year, genres, GENRES)
