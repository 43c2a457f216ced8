"""Platform games with levels: the ends of the levels, and the levels held out for tests.

The ends in the Sonic games are taken from stable-retro's `contest` scenarios. The Retro Contest
trained on 47 of their levels and tested on 11: Nichol et al. (2018),
https://arxiv.org/abs/1804.03720.
"""

import dataclasses
from collections.abc import Mapping

FRAME_LIMIT = 18_000  # Frames of an episode in the contest: 4,500 agent steps of 4 frames.
REWARD_NAMES = ('contest', 'progress', 'score')  # The classes are in `wrappers.level_rewards`.


@dataclasses.dataclass(frozen=True)
class Course:
    """Facts about a game that are needed to reward its player.

    Attributes:
        ends: The x in pixels at which a level is won, by the game's own numbers `(zone, act)`.
        test_levels: Save states that agents are tested on and never trained on.
        bonus_stage_variable: Variable that shows when a bonus stage is played; '' if none does.
        bonus_stage_values: Its values in a bonus stage; empty if these are all but 0.
        points: Points on the screen for each unit of the variable `score`.
    """

    ends: Mapping[tuple[int, int], int]
    test_levels: tuple[str, ...]
    bonus_stage_variable: str = ''
    bonus_stage_values: tuple[int, ...] = ()
    points: int = 10


_SONIC_1 = Course(
    {
        (0, 0): 0x2560, (0, 1): 0x1F60, (0, 2): 0x292A,  # Green Hill
        (1, 0): 0x1A50, (1, 1): 0x1150, (1, 2): 0x1CC4,  # Labyrinth
        (2, 0): 0x1860, (2, 1): 0x1860, (2, 2): 0x1720,  # Marble
        (3, 0): 0x2060, (3, 1): 0x2060, (3, 2): 0x1F48,  # Star Light
        (4, 0): 0x2360, (4, 1): 0x2960, (4, 2): 0x2B83,  # Spring Yard
        (5, 0): 0x2260, (5, 1): 0x1EE0,  # Scrap Brain
    },
    ('SpringYardZone.Act1', 'GreenHillZone.Act2', 'StarLightZone.Act3', 'ScrapBrainZone.Act1'),
)  # fmt: skip
_SONIC_2 = Course(
    {
        (0, 0): 0x2A40, (0, 1): 0x29C0,  # Emerald Hill
        (4, 0): 0x2300, (4, 1): 0x1F40, (5, 0): 0x29AF,  # Metropolis
        (6, 0): 0x29D9,  # Wing Fortress
        (7, 0): 0x2900, (7, 1): 0x2E2E,  # Hill Top
        (10, 0): 0x3040, (10, 1): 0x2856,  # Oil Ocean
        (11, 0): 0x2450, (11, 1): 0x21A0,  # Mystic Cave
        (12, 0): 0x2840, (12, 1): 0x2740,  # Casino Night
        (13, 0): 0x2840, (13, 1): 0x2943,  # Chemical Plant
        (15, 0): 0x298C, (15, 1): 0x298D,  # Aquatic Ruin
    },
    ('MetropolisZone.Act3', 'HillTopZone.Act2', 'CasinoNightZone.Act2'),
    bonus_stage_variable='game_mode',
    bonus_stage_values=(16,),
)  # fmt: skip
_SONIC_3_AND_KNUCKLES = Course(
    {
        (0, 0): 0x3080 + 0x1049, (0, 1): 0x4870,  # Angel Island
        (1, 0): 0x3630, (1, 1): 0x3F80,  # Hydrocity
        (2, 0): 0x2D16, (2, 1): 0x3B62,  # Marble Garden
        (3, 0): 0x3163, (3, 1): 0x4786,  # Carnival Night
        (4, 0): 0x2DDD, (4, 1): 0x33AD,  # Flying Battery
        (5, 0): 0x68A7, (5, 1): 0x4342,  # Icecap
        (6, 0): 0x3D4A, (6, 1): 0x39A3,  # Launch Base
        (7, 0): 0x420B, (7, 1): 0x3D41,  # Mushroom Hill
        (8, 0): 0x40FB, (8, 1): 0x5109,  # Sandopolis
        (9, 0): 0x2BE4, (9, 1): 0x38B0,  # Lava Reef
        (11, 0): 0x35EE, (11, 1): 0x359F,  # Death Egg
        (22, 1): 0x0FC8,  # Hidden Palace
    },
    ('LavaReefZone.Act1', 'FlyingBatteryZone.Act2', 'HydrocityZone.Act1', 'AngelIslandZone.Act2'),
    bonus_stage_variable='special_stage',
)  # fmt: skip

# Our own game, in which an act ends at its goal.
_HILL_HOPPER = Course(
    {
        (0, 0): 2800, (0, 1): 3904, (0, 2): 4720,  # Meadow
        (1, 0): 4304, (1, 1): 5456, (1, 2): 6080,  # Canyon
        (2, 0): 5408, (2, 1): 6336, (2, 2): 7248,  # Glacier
    },
    ('MeadowZone.Act2', 'CanyonZone.Act2', 'GlacierZone.Act2'),
    points=1,
)  # fmt: skip

COURSES: Mapping[str, Course] = {
    'HillHopper-Genesis': _HILL_HOPPER,
    'SonicTheHedgehog-Genesis-v0': _SONIC_1,
    'SonicTheHedgehog2-Genesis-v0': _SONIC_2,
    'SonicAndKnuckles3-Genesis-v0': _SONIC_3_AND_KNUCKLES,
}
