"""How a step can fail (architecture section 4): what is transient, what is the operator's, what is a bug."""


class Unavailable(Exception):
    """Database, broker or directory away for now: the batch is retried in place, other topics go on."""


class Misconfigured(Exception):
    """The operator's to mend (migrations, permissions, topics, keys): the process stops readably, no message suffers."""


class MissingKey(Exception):
    """A key that one agency's message needs is not held here: the message is set aside, the others go on."""


class TooLarge(Exception):
    """A record that the broker will never take; the one publish failure that is not transient."""


class Unfinished(Exception):
    """A step left messages without an outcome: a bug of the step."""
