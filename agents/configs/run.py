"""Options of a run and of an evaluation: what is written and played, where and how often.

Never imports TensorFlow.
"""

import dataclasses
from typing import Literal

from envs.fields import (
    hparam,
    require,
    require_not_negative,
    require_positive,
    require_types,
)


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Where a run writes and how often."""

    run_dir: str = hparam('', 'Directory of the run; default: runs/<agent>-<game>-<time>.')
    resume: bool = hparam(
        False, 'Continue the run of --run_dir from its last checkpoint, with its configuration.'
    )
    log_period: int = hparam(2_000, 'Agent steps between rows of metrics.csv.')
    checkpoint_period: int = hparam(100_000, 'Agent steps between checkpoints; 0: only at the end.')
    checkpoint_minutes: float = hparam(
        10.0, 'Minutes after which a checkpoint is saved in any case; 0: count agent steps alone.'
    )
    eval_period: int = hparam(
        100_000, 'Agent steps between evaluations, which choose the best model; 0: no evaluations.'
    )
    eval_episodes: int = hparam(
        10, 'Episodes per evaluation; rounded up to the same number for each level.'
    )
    video_period: int = hparam(
        0, 'Agent steps after which the next evaluation is filmed; 0: no films.'
    )
    on_collapse: Literal['warn', 'rollback', 'stop'] = hparam(
        'warn',
        'If the policy or the critic collapses: warn and go on; return to the weights of the best '
        'evaluation with a smaller learning rate, up to 5 times; or stop the run.',
    )
    entropy_floor: float = hparam(
        0.01, "A policy collapses if its entropy stays below this part of the uniform policy's."
    )
    rollback_lr_factor: float = hparam(
        0.5, 'Factor on the learning rate at each return to earlier weights, for good.'
    )

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        require_positive(self, ('log_period', 'eval_episodes'))
        names = ('checkpoint_period', 'checkpoint_minutes', 'eval_period', 'video_period')
        require_not_negative(self, names)
        require(bool(self.run_dir) or not self.resume, '--resume needs --run_dir')
        filmed = not self.video_period or bool(self.eval_period)
        require(filmed, '--video_period films evaluations, but --eval_period=0 has none')
        floor, factor = self.entropy_floor, self.rollback_lr_factor
        require(0.0 <= floor < 1.0, f'--entropy_floor must be in [0, 1), not {floor}')
        require(0.0 < factor <= 1.0, f'--rollback_lr_factor must be in (0, 1], not {factor}')


@dataclasses.dataclass(frozen=True)
class EvaluationConfig:
    """The model to evaluate, and where to write the result."""

    run_dir: str = hparam('', 'Directory of the run. Required.')
    model: Literal['auto', 'best', 'final'] = hparam(
        'auto', 'auto: the best model of the evaluations, or the final one if there is none.'
    )
    episodes: int = hparam(
        20, 'Whole episodes to play; rounded up to the same number for each level.'
    )
    levels: tuple[str, ...] = hparam(
        (),
        'Levels instead of those of the training; or train, test or all of a platform game.',
    )
    greedy: bool = hparam(False, 'Take the most probable action instead of sampling.')
    seed: int = hparam(0, 'Seed of the environments and the actions.')
    video: str = hparam('', 'File (.mp4) for a film of the first episode; empty: no film.')
    json: str = hparam('', 'File for the result, as JSON; empty: none.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        require(bool(self.run_dir), '--run_dir: which run?')
        require_positive(self, ('episodes',))
        require_not_negative(self, ('seed',))
        require(self.video[-4:] in ('', '.mp4'), f'--video must end in .mp4, not {self.video!r}')
