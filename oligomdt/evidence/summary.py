"""What the data hold, in lines a curator can read."""


def summary(path=None) -> str:
    """Describe the evidence in plain text."""
    return ""
