"""Wrong code that runs: the document's listing on trial (listing, trial), and a museum of silent mistakes (exhibits, checks)."""
