"""Chapter 6d: an assay from a few labelled molecules."""
