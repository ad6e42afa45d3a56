"""What the chapters measure: races, costs, distances, closed forms. What takes minutes is run once and shipped in pretrained/.

    python -m metalib.experiments.measure hunger|transfer     chapters 1 and 2
    python -m metalib.experiments.contests                    chapter 4
    python -m metalib.experiments.cost cost|price             chapter 7
    python -m metalib.experiments.distance distance|diversity|images
"""
