"""New processes for tests: a console emulator wants one for itself."""

import concurrent.futures
import contextlib
import multiprocessing


@contextlib.contextmanager
def new_process():
    """Gives a function that calls a function in one new process."""
    context = multiprocessing.get_context('spawn')
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        yield lambda function, *args: pool.submit(function, *args).result()
