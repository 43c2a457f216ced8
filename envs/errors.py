"""The one exception for requests of the user that cannot be met."""


class UsageError(ValueError):
    """A wrong game, level, action set, option or file; its message is one line for a person.

    Launch scripts print the message and exit with code 2. Every other exception is a defect and
    keeps its traceback.
    """
