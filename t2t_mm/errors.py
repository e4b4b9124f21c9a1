"""The one exception that stands for a mistake of the user."""


class UserError(Exception):
    """A mistake of the user: a wrong name, value, file or folder.

    The message is one paragraph: what was expected, what came, what to do. Commands print it as one
    line, `error: <message>`, and exit with code 1; a traceback would only hide it.
    """
