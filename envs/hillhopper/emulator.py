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
    """A running game, frame by frame. A process can hold one at a time.

    Args:
        level: A name of `LEVELS`; '' switches the console on.
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
        """`uint8[12]`, 1 for the buttons of a text like `RIGHT+B`."""
        pressed = buttons.split('+')
        return np.array([button in pressed for button in _BUTTONS], np.uint8)

    def press(self, buttons: str = '', num_frames: int = 1) -> dict[str, int]:
        """Holds buttons, like `RIGHT+B`, for some frames; the variables after the last one."""
        self.env.em.set_button_mask(self.mask(buttons), 0)
        for _ in range(num_frames):
            self.env.em.step()
        return self.variables()

    def variables(self) -> dict[str, int]:
        """The variables of data.json."""
        return self.env.data.lookup_all()

    def screen(self) -> np.ndarray:
        """The picture, `uint8[224, 320, 3]`."""
        return self.env.get_screen(apply_rotation=True)

    def save(self) -> bytes:
        """A state for `load`."""
        return self.env.em.get_state()

    def load(self, state: bytes) -> None:
        """Goes on from a saved state; there is no picture until the next frame."""
        self.env.em.set_state(state)

    def close(self) -> None:
        """Frees the emulator."""
        self.env.close()
