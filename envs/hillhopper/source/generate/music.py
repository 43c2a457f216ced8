"""A tune per zone for two voices of the sound chip.

A note lasts one step; `-` holds the previous note, `.` is silence. Bars only help the eye.
"""

import re

CLOCK = 3_579_545 / 32  # Hertz; divided by its period, the frequency of a voice.
HOLD, SILENCE = 1, 0
_HALF_TONES = {'C': 0, 'D': 2, 'E': 4, 'F': 5, 'G': 7, 'A': 9, 'B': 11}

MEADOW = (
    """
    G4 - C5 - E5 - D5 C5 | D5 - E5 - G5 - E5 - | A5 - G5 - E5 - C5 D5 | E5 - D5 - C5 - - .
    F4 - A4 - C5 - A4 C5 | D5 - C5 - A4 - G4 - | G4 A4 B4 D5 G5 - F5 E5 | D5 - B4 - C5 - - .
    """,
    """
    C3 . G3 . C3 . G3 . | C3 . G3 . E3 . G3 . | F3 . A3 . F3 . A3 . | G3 . D3 . C3 . G3 .
    F3 . C4 . F3 . C4 . | D3 . A3 . F3 . A3 . | G3 . D4 . G3 . D4 . | G3 . D3 . C3 . G3 .
    """,
)
CANYON = (
    """
    A4 - C5 - B4 A4 G#4 - | A4 - E5 - D5 - C5 - | F5 - E5 - D5 C5 B4 - | C5 - B4 - A4 - - .
    E5 - . E5 F5 E5 D5 C5 | D5 - . D5 E5 D5 C5 B4 | C5 - A4 - F4 - A4 - | G#4 - B4 - A4 - - .
    """,
    """
    A2 . . A2 . . E3 . | A2 . . A2 . . C3 . | D3 . . D3 . . A3 . | E3 . . E3 . . A2 .
    A2 . . A2 . . E3 . | G3 . . G3 . . D3 . | F3 . . F3 . . C3 . | E3 . . E3 . . A2 .
    """,
)
GLACIER = (
    """
    E5 - - B4 - - G4 - | A4 - - B4 - - - . | C5 - - B4 - - A4 - | B4 - - F#4 - - G4 -
    E5 - - F#5 - - G5 - | D5 - - B4 - - - . | C5 - - D5 - - E5 - | D#5 - - B4 - - - .
    """,
    """
    E3 - B3 - E3 - B3 - | A2 - E3 - G3 - D3 - | C3 - G3 - C3 - A3 - | B2 - F#3 - E3 - B3 -
    E3 - B3 - E3 - B3 - | G3 - D4 - G3 - D3 - | C3 - G3 - A2 - E3 - | B2 - F#3 - B2 - D#3 -
    """,
)


def period(note: str) -> int:
    """Returns the period of a note like `F#4`; A4 has 440 hertz."""
    match = re.fullmatch(r'([A-G])(#?)(\d)', note)
    assert match, note
    above_c4 = _HALF_TONES[match[1]] + len(match[2]) + 12 * (int(match[3]) - 4)
    return round(CLOCK / (440 * 2 ** ((above_c4 - 9) / 12)))


def steps(text: str) -> list[int]:
    """Converts a voice to periods, `HOLD` or `SILENCE`, one per step."""
    signs = {'-': HOLD, '.': SILENCE}
    words = text.replace('|', ' ').split()
    return [signs[word] if word in signs else period(word) for word in words]
