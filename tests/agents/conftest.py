"""Fixtures that tests of all algorithms share."""

import pytest


@pytest.fixture
def make_agent():
    """A function that makes agents, which are closed at the end of the test: see `making`."""
    from tests.helpers import making  # Loads TensorFlow, which not every test here needs.

    with making.agents() as make:
        yield make
