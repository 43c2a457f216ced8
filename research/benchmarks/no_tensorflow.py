"""Imported first, it keeps TensorFlow out of this process and of those that are forked from it.

Stable-Baselines3 imports torch's TensorBoard writer, which imports TensorFlow where it is
installed. Its own users have none, and would not pay 0.8 GB and seconds for it in each worker.
"""

import sys

sys.modules['tensorflow'] = None  # type: ignore[assignment]  # Importing it raises ImportError.
