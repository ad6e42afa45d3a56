"""Chapter 1: what data hunger is, and what meta-learning does about it."""
