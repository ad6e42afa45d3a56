"""Chapter 6c: cold-start users."""
