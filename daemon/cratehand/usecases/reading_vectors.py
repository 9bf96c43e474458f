"""What a reading of a file says, as vectors."""

from cratehand.domain.embedding import CLAP_SPACE, DNA_SPACE, DSP_SPACE, SOUND_SPACE, TAG_SPACE
from cratehand.domain.ids import TrackId
from cratehand.domain.track_analysis import FileReading
from cratehand.domain.vector_store import VectorStore


def keep_vectors(vectors: VectorStore, track_id: TrackId, reading: FileReading) -> None:
    """Put the vectors of a track into their spaces; what the new sound has not, the old one leaves none behind."""
    if reading.analysis is None:
        return
    sound = reading.sound
    found = {
        DSP_SPACE: reading.analysis.feature_vector,
        SOUND_SPACE: None if sound is None else sound.embedding,
        DNA_SPACE: reading.dna,
        TAG_SPACE: None if sound is None else sound.probabilities,
        CLAP_SPACE: reading.places.get(CLAP_SPACE),
    }
    for space, vector in found.items():
        if vector is None:
            vectors.remove(space, track_id)
        else:
            vectors.put(space, track_id, vector)
