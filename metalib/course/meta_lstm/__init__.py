"""Chapter 4: learned optimisers."""
