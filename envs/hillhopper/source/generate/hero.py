"""The hero: a hare with a red scarf, 32 x 32 pixels, looking to the right."""

import numpy as np

from envs.hillhopper.source.generate.canvas import (
    OUTLINE,
    Picture,
    canvas,
    ellipse,
    outline,
    painted,
    palette,
    polygon,
)

PALETTE = palette(
    '281414 FFC060 F08820 B05008 FFE8B0 FFFFFF F02838 A00C20'
    ' 4070FF 2038A0 40C0FF 000000 FFF080 FFC000 D07000'
)
FUR = (2, 3, 4)
CREAM, WHITE, SCARF, SCARF_DARK, SHOE, SHOE_DARK = 5, 6, 7, 8, 9, 10
RUN_STEPS = (0, 1, 2, 3, 4, 5, 2, 5)  # Eight phases of the stride, six pictures.


def frames() -> list[Picture]:
    """Draws the hare standing, ducking, hurt and fallen; six times running, four times rolling."""
    ball = _ball()
    return [
        _figure(),
        _duck(),
        _figure(legs=((9, 27), (22, 24)), lean=-2, ears=20, eye='shut', arm=-60),
        _figure(legs=((8, 26), (24, 26)), ears=70, eye='shut', arm=-80),
        *(_running(phase) for phase in range(6)),
        *(np.rot90(ball, -turn) for turn in range(4)),
    ]


def _figure(
    legs: tuple[tuple[float, float], ...] = ((12.5, 29), (19, 29)),
    lean: float = 0,
    ears: float = -8,
    eye: str = 'open',
    arm: float = 70,
    bob: float = 0,
) -> Picture:
    """Draws the hare upright.

    Args:
        legs: Positions of its shoes, the far one first.
        lean: Pixels by which the head is in front of its usual place.
        ears: Degrees by which the ears are raised from lying back.
        eye: 'open' or 'shut'.
        arm: Degrees by which the arm hangs down from the horizontal.
        bob: Pixels by which the body is below its usual place.
    """
    head, body = (18 + lean, 11.5 + bob), (15 + lean / 2, 21.5 + bob)

    def far_leg(picture: Picture) -> None:
        _leg(picture, body, legs[0], SHOE_DARK)

    def trunk(picture: Picture) -> None:
        ellipse(picture, (body[0] - 6.5, body[1] + 1.5), (2.6, 2.6), WHITE)  # The tail.
        ellipse(picture, body, (5.6, 6.2), FUR)
        ellipse(picture, (body[0] + 2, body[1] + 1.5), (3, 4), CREAM)
        _leg(picture, (body[0] + 0.5, body[1]), legs[1], SHOE)

    def head_and_ears(picture: Picture) -> None:
        _ears(picture, head, ears)
        ellipse(picture, head, (6.8, 6), FUR)
        ellipse(picture, (head[0] + 3.6, head[1] + 2.6), (3.6, 2.6), CREAM)
        _face(picture, head, eye)

    def scarf_and_arm(picture: Picture) -> None:
        _scarf(picture, head, bob)
        _arm(picture, body, arm)

    return painted((32, 32), far_leg, trunk, head_and_ears, scarf_and_arm)


def _ears(picture: Picture, head: tuple[float, float], ears: float) -> None:
    for offset, colours in ((3.0, 4), (0.0, FUR)):
        turn = 200 + ears + offset * 5
        tip = np.deg2rad(turn)
        middle = head[0] - 2 + offset + 7 * np.cos(tip), head[1] - 4 + 7 * np.sin(tip)
        ellipse(picture, middle, (7, 2.4), colours, turn)
        if offset == 0.0:
            ellipse(picture, middle, (4.6, 0.9), CREAM, turn)


def _scarf(picture: Picture, head: tuple[float, float], bob: float) -> None:
    neck = (head[0] - 2.5, head[1] + 5.6)
    ellipse(picture, neck, (5.2, 1.9), SCARF)
    ellipse(picture, (neck[0], neck[1] + 1), (4.6, 0.9), SCARF_DARK)
    tail = [(neck[0] - 3, neck[1] - 1.5), (neck[0] - 11, neck[1] - 3 + bob),
            (neck[0] - 10, neck[1] + 2 + bob), (neck[0] - 3, neck[1] + 1.5)]  # fmt: skip
    polygon(picture, tail, SCARF)


def _arm(picture: Picture, body: tuple[float, float], degrees: float) -> None:
    turn = np.deg2rad(degrees)
    hand = body[0] + 1 + 5 * np.cos(turn), body[1] - 1.5 + 5 * np.sin(turn)
    middle = (body[0] + 1 + hand[0]) / 2, (body[1] - 1.5 + hand[1]) / 2
    ellipse(picture, middle, (3.6, 1.5), 4, degrees)
    ellipse(picture, hand, (1.8, 1.8), CREAM)


def _leg(
    picture: Picture, body: tuple[float, float], shoe: tuple[float, float], colour: int
) -> None:
    hip = body[0], body[1] + 3.5
    knee = (hip[0] + shoe[0]) / 2, (hip[1] + shoe[1]) / 2
    length = max(2.5, float(np.hypot(shoe[0] - hip[0], shoe[1] - hip[1])) / 2)
    turn = float(np.rad2deg(np.arctan2(shoe[1] - hip[1], shoe[0] - hip[0])))
    ellipse(picture, knee, (length, 1.9), 4, turn)
    ellipse(picture, (shoe[0] + 1.2, shoe[1]), (4, 2.1), colour)
    ellipse(picture, (shoe[0] + 1.2, shoe[1] + 1.3), (3.6, 0.8), WHITE)


def _face(picture: Picture, head: tuple[float, float], eye: str) -> None:
    x, y = int(head[0] + 2), int(head[1] - 3)
    if eye == 'open':
        picture[y : y + 5, x : x + 4] = WHITE
        picture[y : y + 5, x - 1] = OUTLINE
        picture[y + 1 : y + 5, x + 2 : x + 4] = OUTLINE
        picture[y + 1, x + 2] = WHITE
    else:
        picture[y + 2, x - 1 : x + 4] = OUTLINE
        picture[y + 1, x] = picture[y + 3, x + 3] = OUTLINE
    nose = int(head[0] + 6.5)
    picture[y + 5 : y + 7, nose - 1 : nose + 1] = OUTLINE


def _running(phase: int) -> Picture:
    angle = 2 * np.pi * phase / 6
    legs = [
        (14.5 + 8.5 * np.cos(turn), 28.6 + min(0.0, 5 * np.sin(turn)))
        for turn in (angle + np.pi, angle)
    ]
    swing = 60 + 50 * np.sin(angle)
    bob = -1 + abs(np.sin(angle))
    return _figure(tuple(legs), 2, -22 - 6 * np.sin(angle), 'open', swing, bob)


def _duck() -> Picture:
    def curled(picture: Picture) -> None:
        ellipse(picture, (7.5, 26), (2.6, 2.6), WHITE)
        ellipse(picture, (14, 25), (7.5, 5.5), FUR)
        ellipse(picture, (11, 18.5), (7.5, 2.3), FUR, 12)
        ellipse(picture, (19.5, 22), (6.5, 5.5), FUR)
        ellipse(picture, (23, 24.5), (3.4, 2.4), CREAM)
        _face(picture, (19.5, 22), 'open')
        ellipse(picture, (16, 27), (5, 1.8), SCARF)
        for x in (10, 20):
            ellipse(picture, (x, 29), (4, 2), SHOE)

    return painted((32, 32), curled)


def _ball() -> Picture:
    """Draws the hare rolled up around the middle of the picture, so that it turns in place."""
    picture = canvas(32, 32)
    ellipse(picture, (16, 16), (11, 11), FUR)
    ellipse(picture, (16, 16), (7.6, 7.6), OUTLINE)  # The gap between back and belly,
    ellipse(picture, (15.4, 15.4), (7, 7), FUR)
    ellipse(picture, (17, 18), (4.6, 4), CREAM)
    ellipse(picture, (22, 9), (7.5, 2.6), FUR, 35)  # ears, scarf, shoe and tail.
    ellipse(picture, (22.5, 9.4), (5, 0.9), CREAM, 35)
    ellipse(picture, (10, 12), (4.4, 2), SCARF, -50)
    ellipse(picture, (7, 9), (3, 1.6), SCARF, 20)
    ellipse(picture, (20.5, 23), (4.6, 2.6), SHOE, -30)
    ellipse(picture, (21, 24.5), (4, 1), WHITE, -30)
    ellipse(picture, (6, 20), (2.6, 2.6), WHITE)
    picture[15:18, 17:19] = OUTLINE
    outline(picture)
    return picture
