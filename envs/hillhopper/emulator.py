"""HillHopper in an emulator: its levels, and buttons by name."""

import pathlib

import numpy as np

GAME = 'HillHopper-Genesis'
FOLDER = pathlib.Path(__file__).resolve().parent
ZONES = ('MeadowZone', 'CanyonZone', 'GlacierZone')
LEVELS = tuple(f'{zone}.Act{act}' for zone in ZONES for act in (1, 2, 3))
TITLE, CARD, PLAY, DYING, CLEARED, GAME_OVER, ENDING = range(7)  # The variable game_mode.
_BUTTONS = ('B', 'A', 'MODE', 'START', 'UP', 'DOWN', 'LEFT', 'RIGHT', 'C', 'Y', 'X', 'Z')


class Console:
    """A game running frame by frame. A process can hold one at a time.

    Args:
        level: One of `LEVELS`; '' starts with the title, as if the console were switched on.
    """

    def __init__(self, level: str = '') -> None:
        import stable_retro

        integrations = stable_retro.data.Integrations
        integrations.add_custom_path(str(FOLDER))
        self.env = stable_retro.make(
            GAME,
            state=level or stable_retro.State.NONE,
            use_restricted_actions=stable_retro.Actions.ALL,
            inttype=integrations.ALL,
            render_mode='rgb_array',
        )
        self.env.reset()

    @staticmethod
    def mask(buttons: str) -> np.ndarray:
        """Converts a text like `RIGHT+B` to `uint8[12]`, 1 where a button is pressed."""
        pressed = buttons.split('+')
        return np.array([button in pressed for button in _BUTTONS], np.uint8)

    def press(self, buttons: str = '', num_frames: int = 1) -> dict[str, int]:
        """Holds buttons like `RIGHT+B` for some frames; returns the variables after them."""
        self.env.em.set_button_mask(self.mask(buttons), 0)
        for _ in range(num_frames):
            self.env.em.step()
        return self.variables()

    def variables(self) -> dict[str, int]:
        """Returns the variables of data.json."""
        return self.env.data.lookup_all()

    def screen(self) -> np.ndarray:
        """Returns the picture, `uint8[224, 320, 3]`."""
        return self.env.get_screen(apply_rotation=True)

    def save(self) -> bytes:
        """Returns a state for `load`."""
        return self.env.em.get_state()

    def load(self, state: bytes) -> None:
        """Continues from a saved state; there is no picture until the next frame."""
        self.env.em.set_state(state)

    def close(self) -> None:
        """Frees the emulator."""
        self.env.close()
