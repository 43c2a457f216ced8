"""The one exception that means: the user asked for something that cannot be."""


class UsageError(ValueError):
    """A wrong game, level, action set, option or file; its message is one line for a person.

    Launch scripts print the message and exit with code 2; everything else is a defect and keeps
    its traceback.
    """
