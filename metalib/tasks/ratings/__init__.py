"""Users as tasks: films rated by an invented population, or on MovieLens."""
