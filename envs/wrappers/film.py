"""Films of the game's own screen, at every emulator frame and at its own frame rate."""

import contextlib
import os
import shutil
from typing import Any

import cv2
import gymnasium
import numpy as np

from envs import files
from envs.errors import UsageError
from envs.game import Snapshot, Transition
from envs.wrappers.base import FrameWrapper

_MIN_HEIGHT = 448  # Pixels; smaller screens are enlarged by a whole number.


def _check_encoder() -> None:
    """Raises `UsageError` if there is no program that encodes films."""
    import imageio_ffmpeg

    try:
        program = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise UsageError(f'no film: {error}') from None
    if not shutil.which(program):
        raise UsageError(f'no film: IMAGEIO_FFMPEG_EXE={program} is not a program')


class FilmWriter:
    """Writes RGB frames to an mp4 (H.264), enlarged so that a person can see them.

    The file gets its final name only when it is complete. Some consoles change the size of their
    picture during a game. A television does not show that: every frame gets the size of the first.

    Raises:
        UsageError: There is no program that can encode it.
    """

    def __init__(self, path: str, frame_rate: float) -> None:
        import imageio

        _check_encoder()
        self.path, self.num_frames = path, 0
        self._shape: tuple[int, int] | None = None
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
        self._replacing = contextlib.ExitStack()  # It lasts until `close`.
        self._writer = imageio.get_writer(
            self._replacing.enter_context(files.replacing(path, durable=False)),
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
            with self._replacing:
                self._writer.close()


class Film(FrameWrapper):
    """Films whole episodes, one after the other, until the film is long enough.

    Episodes last from a second to an hour: the film ends with the episode that makes it long
    enough, or when the environment is closed. It leaves no trace in snapshots.

    It is not gymnasium's RecordVideo, which writes a file for each chosen episode: this is a single
    film of every emulator frame below the action repeat.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], path: str, seconds: float = 20.0) -> None:
        super().__init__(env)
        self._path = path
        self._min_frames = seconds * self.game.frame_rate
        self._writer: FilmWriter | None = None
        self._finished = False

    def reset(self, **kwargs: Any) -> tuple[np.ndarray, dict[str, Any]]:
        """Starts an episode and films its first picture."""
        result = self.env.reset(**kwargs)
        self._finish_if_long_enough()  # The previous episode may have been broken off.
        if not self._finished:
            if self._writer is None:
                self._writer = FilmWriter(self._path, self.game.frame_rate)
            self._writer.write(self.game.render())
        return result

    def advance(self, action: Any) -> Transition:
        """Plays one frame and films its picture."""
        transition = self.env.advance(action)
        if self._writer is not None:
            self._writer.write(self.game.render())
            if transition[1] or transition[2]:
                self._finish_if_long_enough()
        return transition

    def snapshot(self) -> Snapshot:
        """Returns the snapshot of the filmed environment."""
        return self.env.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Restores the filmed environment."""
        self.env.restore(snapshot)

    def close(self) -> None:
        """Finishes the film and closes the game."""
        try:
            self._finish()
        finally:
            self.env.close()

    def _finish_if_long_enough(self) -> None:
        if self._writer is not None and self._writer.num_frames >= self._min_frames:
            self._finish()

    def _finish(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            self._finished = True
            writer.close()
