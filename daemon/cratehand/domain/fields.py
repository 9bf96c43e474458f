"""The fields a fact can be about, and what kind of value each holds."""

from enum import StrEnum
from typing import Final


class Field(StrEnum):
    """Name of one thing that can be known of a track. The text is stable: it is stored and sent."""

    # text
    TITLE = "title"
    ARTIST = "artist"
    ALBUM = "album"
    ALBUM_ARTIST = "album_artist"
    GENRE = "genre"
    LABEL = "label"
    REMIXER = "remixer"
    COMPOSER = "composer"
    MIX = "mix"
    GROUPING = "grouping"
    COMMENT = "comment"
    ISRC = "isrc"
    COLOUR = "colour"
    """A name or #RRGGBB, as the DJ program stores it."""
    DATE_ADDED = "date_added"
    """yyyy-mm-dd."""
    TAGS = "tags"
    """MyTags and the like: a list of text."""
    # numbers
    YEAR = "year"
    TRACK_NUMBER = "track_number"
    DISC_NUMBER = "disc_number"
    RATING = "rating"
    """Stars, 0..5."""
    PLAY_COUNT = "play_count"
    LAST_PLAYED = "last_played"
    """Wall time, seconds since 1970 UTC."""
    DURATION_S = "duration_s"
    SAMPLE_RATE_HZ = "sample_rate_hz"
    BIT_RATE_KBPS = "bit_rate_kbps"
    BIT_DEPTH = "bit_depth"
    CHANNELS = "channels"
    FILE_SIZE_BYTES = "file_size_bytes"
    TEMPO_BPM = "tempo_bpm"
    POSSIBLE_TEMPOS = "possible_tempos"
    """What the tempo may be by the sound alone, most likely first: list of `PossibleTempo`."""
    TUNING_CENTS = "tuning_cents"
    """Deviation of A4 from 440 Hz, -50..50."""
    ENERGY = "energy"
    """1..10."""
    DANCEABILITY = "danceability"
    """This and the next six: 0..1, scales in `cratehand.domain.audio_features`."""
    VALENCE = "valence"
    AROUSAL = "arousal"
    ACOUSTICNESS = "acousticness"
    INSTRUMENTALNESS = "instrumentalness"
    SPEECHINESS = "speechiness"
    LIVENESS = "liveness"
    # structured
    KEY = "key"
    """`MusicalKey`, stored in words: ``A minor``."""
    KEY_CHANGES = "key_changes"
    """Stretches in one key each, list of `KeyStretch`; nothing for a track that stays in its key."""
    CODEC = "codec"
    BEAT_GRID = "beat_grid"
    LOUDNESS = "loudness"
    SECTIONS = "sections"
    SUGGESTED_CUES = "suggested_cues"
    WAVEFORM = "waveform"
    FINGERPRINT = "fingerprint"
    QUALITY = "quality"
    SOUND_TAGS = "sound_tags"
    """What a model hears in the sound, most probable first: list of `SoundTag`."""


TEXT_FIELDS: Final = frozenset(
    {
        Field.TITLE, Field.ARTIST, Field.ALBUM, Field.ALBUM_ARTIST, Field.GENRE, Field.LABEL, Field.REMIXER,
        Field.COMPOSER, Field.MIX, Field.GROUPING, Field.COMMENT, Field.ISRC, Field.COLOUR, Field.DATE_ADDED,
        Field.CODEC, Field.FINGERPRINT,
    }
)  # fmt: skip
"""Fields whose value is a string."""

INTEGER_FIELDS: Final = frozenset(
    {
        Field.YEAR, Field.TRACK_NUMBER, Field.DISC_NUMBER, Field.RATING, Field.PLAY_COUNT, Field.SAMPLE_RATE_HZ,
        Field.BIT_DEPTH, Field.CHANNELS, Field.FILE_SIZE_BYTES, Field.ENERGY,
    }
)  # fmt: skip
"""Fields whose value is an int."""

AUDIO_FEATURE_FIELDS: Final = frozenset(
    {
        Field.DANCEABILITY, Field.VALENCE, Field.AROUSAL, Field.ACOUSTICNESS, Field.INSTRUMENTALNESS,
        Field.SPEECHINESS, Field.LIVENESS,
    }
)  # fmt: skip
"""Fields that describe the sound on a scale of 0..1."""

FLOAT_FIELDS: Final = AUDIO_FEATURE_FIELDS | {
    Field.DURATION_S, Field.BIT_RATE_KBPS, Field.TEMPO_BPM, Field.TUNING_CENTS, Field.LAST_PLAYED,
}  # fmt: skip
"""Fields whose value is a float."""

MEASURED_FIELDS: Final = AUDIO_FEATURE_FIELDS | frozenset(
    {
        Field.TEMPO_BPM, Field.POSSIBLE_TEMPOS, Field.KEY, Field.KEY_CHANGES, Field.TUNING_CENTS, Field.ENERGY,
        Field.BEAT_GRID, Field.LOUDNESS, Field.SECTIONS, Field.SUGGESTED_CUES, Field.WAVEFORM, Field.FINGERPRINT,
        Field.QUALITY, Field.DURATION_S, Field.SAMPLE_RATE_HZ, Field.BIT_RATE_KBPS, Field.BIT_DEPTH, Field.CHANNELS,
        Field.FILE_SIZE_BYTES, Field.CODEC, Field.SOUND_TAGS,
    }
)  # fmt: skip
"""Fields that follow from the sound or the file, so that a measurement of ours may beat what a program stored."""

CORRECTABLE_FIELDS: Final = TEXT_FIELDS - {Field.CODEC, Field.FINGERPRINT} | {
    Field.YEAR, Field.TRACK_NUMBER, Field.DISC_NUMBER, Field.RATING, Field.TEMPO_BPM, Field.KEY, Field.BEAT_GRID,
    Field.ENERGY, Field.TAGS,
}  # fmt: skip
"""Fields a person may set."""
