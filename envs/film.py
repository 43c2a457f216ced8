"""Films: the game's own screen, at every emulator frame and its own frame rate."""

import os
from typing import Any

import cv2
import gymnasium
import numpy as np

from envs.game import Transition
from envs.wrappers import FrameWrapper

_MIN_HEIGHT = 448  # Pixels; smaller screens are enlarged by a whole number.


class FilmWriter:
    """Writes RGB frames to an mp4 (H.264), enlarged so that a person can see them.

    The file has its final name only when it is complete.
    """

    def __init__(self, path: str, frame_rate: float) -> None:
        import imageio

        self.path, self.num_frames = path, 0
        self._partial = f'{path}.partial.mp4'
        self._shape: tuple[int, int] | None = None
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        self._writer = imageio.get_writer(
            self._partial,
            fps=frame_rate,
            codec='libx264',
            macro_block_size=2,
            quality=None,
            ffmpeg_params=['-crf', '20', '-preset', 'veryfast'],
        )

    def write(self, frame: np.ndarray) -> None:
        """Adds a frame, `uint8[height, width, 3]`."""
        if self._shape is None:
            factor = max(1, -(-_MIN_HEIGHT // frame.shape[0]))
            height, width = (2 * (side * factor // 2) for side in frame.shape[:2])
            self._shape = (width, height)
        frame = cv2.resize(frame, self._shape, interpolation=cv2.INTER_NEAREST)
        self._writer.append_data(frame)
        self.num_frames += 1

    def close(self) -> None:
        """Finishes the file."""
        if not self._writer.closed:
            self._writer.close()
            os.replace(self._partial, self.path)


class Film(FrameWrapper):
    """Films the first episode, from its reset to its end."""

    def __init__(self, env: gymnasium.Env[Any, Any], path: str) -> None:
        super().__init__(env)
        self._path = path
        self._writer: FilmWriter | None = None
        self._finished = False

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode; the film begins with the first and ends with the second."""
        result = self.env.reset(**kwargs)
        if self._writer is not None:
            self._finish()
        elif not self._finished:
            self._writer = FilmWriter(self._path, self.game.frame_rate)
            self._writer.write(self.game.render())
        return result

    def advance(self, action: Any) -> Transition:
        """One frame, and its picture into the film."""
        transition = self.env.advance(action)
        if self._writer is not None:
            self._writer.write(self.game.render())
            if transition[1] or transition[2]:
                self._finish()
        return transition

    def close(self) -> None:
        """Finishes the film and closes the game."""
        self._finish()
        self.env.close()

    def _finish(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer, self._finished = None, True
