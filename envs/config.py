"""Options that turn a game into an environment, each with its default, unit and help."""

import dataclasses
from typing import Literal

from envs.fields import hparam, require, require_not_negative, require_positive, require_types


@dataclasses.dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """The worker processes that play the games."""

    envs_per_process: int = hparam(
        0, 'Environments per worker process; 0: as fits the cores. Retro games: always 1.'
    )
    hang_seconds: float = hparam(
        60.0, 'A worker that does not answer for this many seconds is replaced; 0: never.'
    )
    max_restarts: int = hparam(
        100,
        'More worker failures than this within an hour, in all groups and evaluations together, '
        'end the training, which is saved; 0: the first failure does.',
    )
    worker_memory_mb: int = hparam(
        2000,
        'A worker that uses more memory than this, in MB including its engines, is replaced, and '
        'its games continue exactly; 0: never.',
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with a message of one line."""
        require_types(self)
        require_not_negative(self, tuple(f.name for f in dataclasses.fields(WorkerConfig)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class ObservationConfig(WorkerConfig):
    """Options for the part of a game that the agent sees."""

    crop: tuple[int, ...] = hparam(
        (), 'Pixels to cut off the picture before resizing: top,bottom,left,right.'
    )
    screen_size: int = hparam(84, 'Height and width of the grayscale picture, pixels.')
    frame_stack: int = hparam(4, 'Number of most recent pictures that make up an observation.')
    game_variables: tuple[str, ...] = hparam(
        (),
        'Variables of the game that the agent sees beside the picture: names such as '
        'health,ammo2, or all for all that the scenario or game has.',
    )


# Larger values would only fill the memory or never end.
_MOST = {'action_repeat': 1000, 'screen_size': 1024, 'frame_stack': 64}


@dataclasses.dataclass(frozen=True)
class EnvConfig(ObservationConfig):
    """Options of one environment, in order from the game to the agent."""

    game: str = hparam('VizdoomBasic-v1', 'Game: a retro, ViZDoom, ALE or gymnasium id.')
    levels: tuple[str, ...] = hparam(
        (), 'Levels (retro states) to play in turn; or train, test or all for a platform game.'
    )
    actions: str = hparam('default', 'Action set of the game: default, or a name of its family.')
    reward: str = hparam(
        'default',
        "default is the game's own reward; platform games also have contest (9000 for the level, "
        '1000 for speed), progress (pixels) and score (points), with which an episode ends when '
        'a life is lost or the level is finished.',
    )
    turbo_frames: int = hparam(
        0,
        'Frames after which a held button (not an arrow) is released for one frame and pressed '
        'again; 0: never. Consoles only.',
    )
    sticky_actions: float = hparam(
        0.0,
        'Probability, at every emulator frame, that the action of the previous frame is repeated.',
    )
    noop_max: int = hparam(0, 'Most emulator frames without action after a reset; 0: none.')
    action_repeat: int = hparam(4, 'Emulator frames per agent step.')
    max_pool: bool = hparam(True, 'Show the pixelwise maximum of the last two frames of a step.')
    max_episode_steps: int = hparam(0, "Agent steps until truncation; 0: the game's own limit.")
    fire_on_reset: bool = hparam(False, 'Press FIRE after a reset (Atari games that wait for it).')
    life_loss_ends_episode: bool = hparam(
        False, 'A lost life terminates the episode for the agent, while the game goes on.'
    )
    reward_scale: float = hparam(1.0, 'Factor by which the raw reward is multiplied.')
    reward_transform: Literal['none', 'sign', 'clip'] = hparam(
        'none', 'After scaling: take the sign of the reward, or clip it to [-1, 1].'
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with a message of one line."""
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
