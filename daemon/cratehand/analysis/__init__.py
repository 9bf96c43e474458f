"""Analysis on arrays: what a track's samples say about tempo, key, loudness, structure and quality."""
