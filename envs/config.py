"""How a game becomes an environment: every option with its default, unit and help."""

import dataclasses
from typing import Literal

from envs.fields import hparam, require, require_not_negative, require_positive, require_types


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """The worker processes that play the games."""

    envs_per_process: int = hparam(
        0, 'Environments in a worker process; 0: as fits the cores. Retro games: always 1.'
    )
    hang_seconds: float = hparam(
        60.0, 'A worker that does not answer for so many seconds is replaced; 0: never.'
    )
    max_restarts: int = hparam(
        100,
        'More worker failures than this within an hour, in all groups and evaluations together, '
        'end the training, which is saved; 0: the first one does.',
    )
    worker_memory_mb: int = hparam(
        2000,
        'A worker that has more memory than this, MB with its engines, is replaced, and its games '
        'go on exactly; 0: never.',
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        require_not_negative(self, tuple(f.name for f in dataclasses.fields(WorkerConfig)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservationConfig(WorkerConfig):
    """What the agent sees of a game."""

    crop: tuple[int, ...] = hparam(
        (), 'Pixels to cut off the picture before resizing: top,bottom,left,right.'
    )
    screen_size: int = hparam(84, 'Height and width of the grayscale picture, pixels.')
    frame_stack: int = hparam(4, 'Number of last pictures that make an observation.')
    game_variables: tuple[str, ...] = hparam(
        (),
        'Variables of the game that the agent sees beside the picture: names, such as '
        'health,ammo2, or all that the scenario or game has.',
    )


# More would only fill the memory, or never end.
_MOST = {'action_repeat': 1000, 'screen_size': 1024, 'frame_stack': 64}


@dataclasses.dataclass(frozen=True)
class EnvConfig(ObservationConfig):
    """One environment: the game and what stands between it and the agent, in order."""

    game: str = hparam('VizdoomBasic-v1', 'Game: a retro, ViZDoom, ALE or gymnasium id.')
    levels: tuple[str, ...] = hparam(
        (), 'Levels (retro states), one after the other; or train, test or all of a platform game.'
    )
    actions: str = hparam('default', 'Action set of the game: default, or a name of its family.')
    reward: str = hparam(
        'default',
        "The game's own, or of a platform game contest (9000 for the level, 1000 for speed), "
        'progress (pixels) or score (points); these end with a lost life or the level.',
    )
    turbo_frames: int = hparam(
        0,
        'Frames after which a held button (no arrow) is released for one and pressed anew; '
        '0: never. Consoles only.',
    )
    sticky_actions: float = hparam(
        0.0,
        'Probability, at every emulator frame, that the action of the frame before is repeated.',
    )
    noop_max: int = hparam(0, 'Up to this many emulator frames without action after a reset.')
    action_repeat: int = hparam(4, 'Emulator frames per agent step.')
    max_pool: bool = hparam(True, 'Show the maximum of the last two emulator frames of a step.')
    max_episode_steps: int = hparam(0, "Agent steps until truncation; 0: the game's own limit.")
    fire_on_reset: bool = hparam(False, 'Press FIRE after a reset (Atari games that wait for it).')
    life_loss_ends_episode: bool = hparam(
        False, 'A lost life terminates the episode for the agent; the game goes on.'
    )
    reward_scale: float = hparam(1.0, 'Factor on the raw reward.')
    reward_transform: Literal['none', 'sign', 'clip'] = hparam(
        'none', 'After scaling: the sign of the reward, or clipping to [-1, 1].'
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        super().__post_init__()
        for name, most in _MOST.items():
            value = getattr(self, name)
            require(value >= 1, f'--{name} must be at least 1, not {value}')
            require(value <= most, f'--{name} must be at most {most}, not {value}')
        require_not_negative(self, ('turbo_frames', 'noop_max', 'max_episode_steps'))
        require_positive(self, ('reward_scale',))
        crop = self.crop
        require(
            len(crop) in (0, 4) and all(pixels >= 0 for pixels in crop),
            f'--crop must be four numbers of pixels, top,bottom,left,right, not {crop}',
        )
        sticky = self.sticky_actions
        require(0.0 <= sticky < 1.0, f'--sticky_actions must be in [0, 1), not {sticky}')
        require(all(self.levels), '--levels must not have an empty name')
        require(all(self.game_variables), '--game_variables must not have an empty name')
