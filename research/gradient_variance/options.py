"""Flags of the experiment."""

import dataclasses

from envs.fields import hparam, require, require_types


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of the measurement."""

    game: str = hparam('CartPole-v1', 'A game whose observations are vectors.')
    policy_steps: int = hparam(20_000, 'Agent steps that A2C trains the policy.')
    num_envs: int = hparam(64, 'Environments that the policy then plays.')
    steps: int = hparam(16_000, 'Agent steps of each; as many again to fit the critic.')
    tail: int = hparam(1_000, 'The last of these steps, which only complete returns.')
    batch_steps: int = hparam(500, 'Agent steps of a batch.')
    fit_epochs: int = hparam(10, 'How often the fit of the critic sees each step.')
    seed: int = hparam(0, 'Seed of everything.')
    out: str = hparam('gradient-variance', 'Files to write, without .json and .png.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        require_types(self)
        require(self.steps % 50 == 0, '--steps must be a multiple of 50')
        enough = self.steps - self.tail >= self.batch_steps > 0
        require(enough, '--steps must be at least --tail and --batch_steps together')
