"""Flags from a dataclass: types, help, presets, and where a value comes from."""

import dataclasses
from typing import Literal

import pytest
from absl import flags

from agents.configs.actor_critic import A2CConfig, A3CConfig
from agents.configs.off_policy import DDPGConfig, DQNConfig, TD3Config
from agents.configs.reinforce import ReinforceConfig
from agents.configs.run import RunConfig
from envs.config import EnvConfig
from envs.fields import hparam
from launch.common import config_flags


@dataclasses.dataclass(frozen=True)
class Example:
    """An example. Of everything."""

    count: int = hparam(3, 'How many.')
    rate: float = hparam(0.5, 'How fast.')
    name: str = hparam('x', 'What.')
    fast: bool = hparam(False, 'Whether.')
    kind: Literal['a', 'b'] = hparam('a', 'Which.')
    sizes: tuple[int, ...] = hparam((1, 2), 'How large.')
    names: tuple[str, ...] = hparam((), 'Who.')


def parse(*arguments, config_class=Example):
    values = flags.FlagValues()
    define = config_flags.define(config_class, values)
    rest = values(['program', *arguments])
    assert rest == ['program']
    return define


def test_without_flags_the_defaults_hold():
    assert parse()() == Example()


def test_every_type_is_parsed():
    config = parse(
        '--count=7', '--rate=2', '--name=a b', '--fast', '--kind=b', '--sizes=3,4', '--names=p,q'
    )()
    assert config == Example(7, 2.0, 'a b', True, 'b', (3, 4), ('p', 'q'))
    assert isinstance(config.rate, float)


def test_a_tuple_may_be_empty_and_a_boolean_off():
    assert parse('--sizes=', '--nofast')().sizes == ()
    assert parse('--fast=false')().fast is False


@pytest.mark.parametrize(
    'argument, message',
    [
        ('--count=3.5', 'count'),
        ('--count=many', 'count'),
        ('--rate=fast', 'rate'),
        ('--kind=c', 'a|b'),
        ('--sizes=1,x', 'sizes'),
        ('--fast=perhaps', 'fast'),
        ('--cuont=3', 'Did you mean: count'),
    ],
)
def test_wrong_values_are_refused(argument, message):
    with pytest.raises(flags.Error, match=message):
        parse(argument)


def test_a_preset_fills_only_what_the_command_line_leaves_open():
    define = parse('--count=3', '--kind=b')  # 3 is the default, but it was asked for.
    preset = {'count': 10, 'rate': 0.25, 'unrelated': 1}
    assert define(preset) == Example(count=3, rate=0.25, kind='b')
    assert define() == Example(kind='b')
    origins = define.origins(preset)
    assert (origins['count'], origins['rate'], origins['name']) == ('flag', 'preset', 'default')
    assert set(origins) == {field.name for field in dataclasses.fields(Example)}


def test_a_flag_file_counts_as_the_command_line(tmp_path):
    path = tmp_path / 'flags'
    path.write_text('--count=9\n')
    assert parse(f'--flagfile={path}')({'count': 10}).count == 9


@pytest.mark.parametrize('config_class', [Example, A2CConfig, EnvConfig])
def test_flags_as_a_string_give_the_same_configuration(config_class):
    values = flags.FlagValues()
    define = config_flags.define(config_class, values)
    values(['program'])
    written = [line for line in values.flags_into_string().splitlines() if line]
    again = parse(*written, config_class=config_class)
    assert again() == define() == config_class()


def test_helps_and_titles_are_those_of_the_class():
    values = flags.FlagValues()
    define = config_flags.define(Example, values)
    [(title, names)] = define.topics
    assert (title, names[:2]) == ('An example. Of everything.', ['count', 'rate'])
    assert define.names == tuple(names)
    assert values['count'].help == 'How many.'


def test_only_flags_of_the_command_line_are_listed():
    before = list(config_flags.defined)
    config_flags.define(Example, flags.FlagValues())
    assert config_flags.defined == before


def test_each_flag_is_told_with_the_class_that_defined_it_last():
    a3c = config_flags.define(A3CConfig, flags.FlagValues())
    (network, parts), (shared, common), (own, special) = a3c.topics
    assert network == 'The network of policy and value.' and 'lstm_units' in parts
    assert shared == 'Hyperparameters that A2C and A3C share.'
    assert own.startswith('Hyperparameters of A3C')
    assert 'discount' in common and {'num_workers', 'max_grad_norm'} <= set(special)
    assert sorted(parts + common + special) == sorted(a3c.names)


def test_a_renamed_flag_is_known_by_its_old_name_where_the_new_one_is_defined():
    ddpg, a2c = flags.FlagValues(), flags.FlagValues()
    config_flags.define(DDPGConfig, ddpg)
    config_flags.define(A2CConfig, a2c)
    assert config_flags.present_name('soft_update', ddpg) == 'tau'
    assert config_flags.present_name('soft_update', a2c) == ''
    assert config_flags.present_name('tau', ddpg) == ''


@pytest.mark.parametrize('old, now', config_flags.RENAMED.items())
def test_old_names_are_free_and_present_ones_are_flags(old, now):
    classes = A2CConfig, A3CConfig, DDPGConfig, TD3Config, DQNConfig, ReinforceConfig
    fields = {f.name for c in (*classes, EnvConfig, RunConfig) for f in dataclasses.fields(c)}
    assert old not in fields and now in fields
