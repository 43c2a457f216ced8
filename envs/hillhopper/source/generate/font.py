"""Letters of 5 x 7 dots with a shadow, and the large name of the title."""

import numpy as np

from envs.hillhopper.source.generate.canvas import Picture, canvas, outline

# Seven rows of five dots each, as two hexadecimal digits.
DOTS = {
    '0': '0E11131519110E', '1': '040C040404040E', '2': '0E11010204081F', '3': '1F02040201110E',
    '4': '02060A121F0202', '5': '1F101E0101110E', '6': '0608101E11110E', '7': '1F010204080808',
    '8': '0E11110E11110E', '9': '0E11110F01020C', '-': '0000001F000000', ':': '00040400040400',
    'A': '0E11111F111111', 'B': '1E11111E11111E', 'C': '0E11101010110E', 'D': '1C12111111121C',
    'E': '1F10101E10101F', 'F': '1F10101E101010', 'G': '0E11101711110F', 'H': '1111111F111111',
    'I': '0E04040404040E', 'J': '0702020202120C', 'K': '11121418141211', 'L': '1010101010101F',
    'M': '111B1515111111', 'N': '11191513111111', 'O': '0E11111111110E', 'P': '1E11111E101010',
    'Q': '0E11111115120D', 'R': '1E11111E141211', 'S': '0F10100E01011E', 'T': '1F040404040404',
    'U': '1111111111110E', 'V': '11111111110A04', 'W': '1111111515150A', 'X': '11110A040A1111',
    'Y': '1111110A040404', 'Z': '1F01020408101F',
}  # fmt: skip
FIRST, LAST = ' ', 'Z'
WHITE, SHADOW, GOLD_LIGHT, GOLD, GOLD_DARK = 6, 1, 13, 14, 15


def dots(letter: str) -> np.ndarray:
    """Returns the dots of a letter, `bool[7, 5]`."""
    rows = bytes.fromhex(DOTS.get(letter, '00' * 7))
    return np.array([[row >> (4 - column) & 1 for column in range(5)] for row in rows], bool)


def glyphs() -> list[Picture]:
    """Draws a tile for every character from the space to Z."""
    return [_glyph(chr(code)) for code in range(ord(FIRST), ord(LAST) + 1)]


def _glyph(letter: str) -> Picture:
    tile = canvas(8, 8)
    tile[1:8, 2:7][dots(letter)] = SHADOW
    tile[0:7, 2:7][dots(letter)] = SHADOW
    tile[1:8, 1:6][dots(letter)] = SHADOW
    tile[0:7, 1:6][dots(letter)] = WHITE
    return tile


def logo(text: str = 'HILLHOPPER') -> Picture:
    """Draws the name in large golden letters on an arc, with an edge."""
    picture = canvas(56, 256)
    for i, letter in enumerate(text):
        big = np.kron(dots(letter), np.ones((5, 4), bool))
        rows = np.arange(len(big))[:, None] * np.ones_like(big)
        shaded = np.select([rows < 9, rows < 24], [GOLD_LIGHT, GOLD], GOLD_DARK)
        rise = round(12 - 12 * np.sin(np.pi * (i + 0.5) / len(text)))
        x, y = 7 + i * 24 + (4 if letter == 'I' else 2), 4 + rise
        place = picture[y : y + 35, x : x + 20]
        place[big] = shaded[big]
    shadow = np.roll(picture, (3, 2), (0, 1))
    picture[(picture == 0) & (shadow > 0)] = SHADOW
    outline(picture, SHADOW)
    outline(picture, WHITE)
    outline(picture, SHADOW)
    return picture
