"""What a user did wrong, in one line."""


class InputError(ValueError):
    """Bad input: the message names the input and what is allowed. Commands print it and exit with code 2."""
