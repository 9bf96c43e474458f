"""How text is folded so that a DJ finds it without minding case and accents."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

# Letters that no Unicode decomposition takes apart, as people type them who do not have them on their keyboard.
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})

# Combining marks of European scripts; those of kana and of Indic and Semitic scripts make other letters.
_MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")


def fold(text: str) -> str:
    """Return the text without case, accents and compatibility forms: ``Møme – CAFÉ`` gives ``mome – cafe``."""
    if text.isascii():
        return text.lower()
    return _fold_unicode(text)


# Artists, labels and genres come again and again.
@lru_cache(maxsize=4096)
def _fold_unicode(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = _MARKS.sub("", decomposed)
    # Joined again for the marks that stay; casefold once more: compatibility forms only now show their case.
    return unicodedata.normalize("NFC", bare).casefold().translate(_LETTERS)
