"""Floor 0: the nouns of the field, their errors, events and ports. Standard library and numpy only."""
