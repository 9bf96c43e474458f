"""Reading audio files: sound, tags, digest, fingerprint and stamp."""

from cratehand.audio.decode import BlockStream, FileReader
from cratehand.audio.digest import AudioDigester
from cratehand.audio.fingerprint import ChromaprintFingerprinter
from cratehand.audio.stamp import stamp_of
from cratehand.audio.tags import MutagenTags

__all__ = ["AudioDigester", "BlockStream", "ChromaprintFingerprinter", "FileReader", "MutagenTags", "stamp_of"]
