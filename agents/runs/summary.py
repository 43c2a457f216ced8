"""Summary printed before a run starts: the game as the agent meets it, and the settings.

Most surprises in training have their cause here: what is rewarded, what ends an episode, how many
frames a step takes.
"""

import dataclasses
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import rich.console
import rich.text

from envs import observations
from envs.config import EnvConfig
from envs.vector.subproc_vec_env import SubprocVecEnv

_REWARDS = {
    'default': "the game's own",
    'contest': '9000 for the way through the level and up to 1000 for speed',
    'progress': 'pixels beyond where the player has been',
    'score': "the points of the game's score",
}
_SHOWN_ACTIONS = 20


def show(console: rich.console.Console, content: Mapping[str, str]) -> None:
    """Prints names and texts in two columns."""
    indent = ' ' * (2 + max(map(len, content)))
    for name, text in content.items():
        lines = textwrap.wrap(
            text,
            max(console.width - 1, 60),
            initial_indent=f'{name:<{len(indent)}}',
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        first = rich.text.Text(lines[0])
        first.stylize('bold', 0, len(name))
        console.print(first, *lines[1:], sep='\n', markup=False, soft_wrap=True)
    console.print()


def of_game(
    env_config: EnvConfig, groups: Sequence[SubprocVecEnv], total_steps: int
) -> dict[str, str]:
    """Describes the game as the agent meets it, and the length of the training."""
    envs, num_envs = groups[0], sum(group.num_envs for group in groups)
    space, repeat = envs.single_observation_space, env_config.action_repeat
    shown = {level for group in groups for level in group.get_attr('level') if level}
    levels = env_config.levels or sorted(shown)
    content = {'game': env_config.game}
    if levels:
        content['levels' if len(levels) > 1 else 'level'] = ', '.join(levels)
    content['actions'] = _actions(envs)
    content['observation'] = _observation(envs)
    content['reward'] = _reward(env_config)
    content['episode ends'] = _end(env_config, envs)
    content['agent step'] = 'one frame' if repeat == 1 else f'{repeat} emulator frames'
    if env_config.max_pool and repeat > 1 and len(observations.shapes(space)[0]) == 3:
        content['agent step'] += ', shown as the maximum of the last two'
    if chance := _chance(env_config):
        content['chance'] = chance
    many = '' if num_envs == 1 else f' of {num_envs} environments in all'
    content['training'] = f'{total_steps:,} steps ({total_steps * repeat:,} frames){many}'
    return content


def of_settings(configs: list[Any], origins: Mapping[str, str]) -> dict[str, str]:
    """Lists the settings, grouped by origin: command line, presets, defaults."""
    groups: dict[str, list[str]] = {}
    for config in configs:
        for name, value in dataclasses.asdict(config).items():
            if name not in ('game', 'levels', 'run_dir', 'resume'):
                groups.setdefault(origins.get(name, 'default'), []).append(f'{name}={_text(value)}')
    titles = {'flag': 'command line', 'default': 'defaults'}
    fillers = [origin for origin in groups if origin not in titles]
    return {
        titles.get(origin, origin): '  '.join(groups[origin])
        for origin in ('flag', *fillers, 'default')
        if origin in groups
    }


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ','.join(map(str, value))
    return f'{value:_}' if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _observation(envs: SubprocVecEnv) -> str:
    parts = observations.spaces_of(envs.single_observation_space)
    space = parts['screen'] if isinstance(parts, dict) else parts
    shape = ' x '.join(map(str, space.shape or ()))
    text = f'{shape}{" numbers" if space.dtype != "uint8" else ""}, {space.dtype}'
    names = envs.get_attr('variable_names')[0] if isinstance(parts, dict) else ()
    return f'{text}, and beside it: {", ".join(names)}' if names else text


def _actions(envs: SubprocVecEnv) -> str:
    names = list(envs.get_attr('action_names')[0])
    if len(names) > _SHOWN_ACTIONS:
        names[_SHOWN_ACTIONS:] = [f'and {len(names) - _SHOWN_ACTIONS} more']
    space = str(envs.single_action_space)
    return f'{space}: {", ".join(names)}' if names else space


def _reward(env_config: EnvConfig) -> str:
    text = _REWARDS[env_config.reward]
    if env_config.reward_scale != 1.0:
        text += f'{"," if " and " in text else ""} times {env_config.reward_scale:g}'
    return {
        'none': text,
        'sign': f'the sign of {text}',
        'clip': f'{text}, clipped to [-1, 1]',
    }[env_config.reward_transform]


def _end(env_config: EnvConfig, envs: SubprocVecEnv) -> str:
    """Describes when an episode is terminated and when it is truncated."""
    ends = ['the game is over']
    if env_config.reward != 'default':
        ends = ['a life is lost, the level is completed, or a bonus stage begins']
    elif env_config.life_loss_ends_episode:
        ends.insert(0, 'a life is lost')
    repeat, rate = env_config.action_repeat, envs.get_attr('frame_rate')[0]
    limit = env_config.max_episode_steps * repeat or envs.get_attr('max_episode_frames')[0]
    if limit:
        seconds = f', {limit / rate:.0f} s of the game' if rate else ''
        ends.append(f'{-(-limit // repeat):,} steps ({limit:,} frames{seconds}) have passed')
    else:
        ends[-1] += '; there is no time limit'
    return ', or '.join(ends)


def _chance(env_config: EnvConfig) -> str:
    texts = []
    if env_config.sticky_actions:
        texts.append(f'{env_config.sticky_actions:.0%} of the frames repeat the action before')
    if env_config.noop_max:
        texts.append(f'1 to {env_config.noop_max} frames without action at the start')
    return ', '.join(texts)
