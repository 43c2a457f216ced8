"""Hyperparameters and run options, each with its default and help. Never imports TensorFlow."""

import dataclasses
from typing import Literal

from envs.config import hparam, require


def _require_positive(config: object, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(config, name)
        require(value > 0, f'--{name} must be positive, not {value}')


def _require_not_negative(config: object, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(config, name)
        require(value >= 0, f'--{name} must not be negative, but is {value}')


@dataclasses.dataclass(frozen=True)
class A2CConfig:
    """Hyperparameters of A2C; defaults follow Mnih et al. (2016) and OpenAI Baselines."""

    num_envs: int = hparam(16, 'Environments that step together, N.')
    total_steps: int = hparam(1_000_000, 'Agent steps of all environments together.')
    unroll_length: int = hparam(5, 'Steps per environment and update, T.')
    discount: float = hparam(0.99, 'Discount γ per agent step.')
    gae_lambda: float = hparam(1.0, 'λ of generalized advantages; 1 gives n-step returns.')
    learning_rate: float = hparam(7e-4, 'Learning rate at the start.')
    lr_schedule: Literal['linear', 'constant'] = hparam(
        'linear', 'Learning rate over the run: linear to 0 at total_steps, or constant.'
    )
    optimizer: Literal['rmsprop', 'adam'] = hparam(
        'rmsprop', "The A3C paper's RMSProp, or Adam (epsilon 1e-5)."
    )
    rmsprop_decay: float = hparam(0.99, 'Decay ρ of the squared gradients in RMSProp.')
    rmsprop_epsilon: float = hparam(1e-5, 'ε of RMSProp, inside the square root.')
    entropy_cost: float = hparam(0.01, 'Weight of the entropy bonus.')
    value_cost: float = hparam(0.5, 'Weight of the value loss, (R - V)²/2.')
    max_grad_norm: float = hparam(0.5, 'Clip of the global gradient norm; 0 disables it.')
    network: str = hparam('nature', 'Network: nature, a3c, impala (pictures) or mlp (vectors).')
    seed: int = hparam(0, 'Seed of weights, actions and environments.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        _require_positive(
            self,
            ('num_envs', 'total_steps', 'unroll_length', 'learning_rate', 'rmsprop_epsilon'),
        )
        _require_not_negative(self, ('entropy_cost', 'value_cost', 'max_grad_norm', 'seed'))
        for name in ('discount', 'gae_lambda', 'rmsprop_decay'):
            value = getattr(self, name)
            require(0.0 <= value <= 1.0, f'--{name} must be in [0, 1], but is {value}')


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """Where a run writes and how often."""

    run_dir: str = hparam('', 'Directory of the run; default runs/<agent>-<game>-<time>.')
    resume: bool = hparam(False, 'Continue the run of --run_dir from its last checkpoint.')
    log_period: int = hparam(2_000, 'Agent steps between rows of metrics.csv.')
    checkpoint_period: int = hparam(100_000, 'Agent steps between checkpoints; 0: only at the end.')
    eval_period: int = hparam(
        100_000, 'Agent steps between evaluations, which choose the best model; 0 disables them.'
    )
    eval_episodes: int = hparam(10, 'Sampled episodes per evaluation during training.')
    video_period: int = hparam(0, 'Agent steps between films of an evaluation; 0 disables them.')

    def __post_init__(self) -> None:
        """Refuses values that make no sense, with one line."""
        _require_positive(self, ('log_period', 'eval_episodes'))
        _require_not_negative(self, ('checkpoint_period', 'eval_period', 'video_period'))
        require(bool(self.run_dir) or not self.resume, '--resume needs --run_dir')
