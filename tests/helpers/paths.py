"""Paths for tests that read files of the repository."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
FIXTURES = ROOT / 'tests' / 'fixtures'
# Buttons, found by `envs/hillhopper/solve.py`, that win each act of HillHopper.
PLANS = json.loads((ROOT / 'tests' / 'envs' / 'hillhopper' / 'plans.json').read_text())
