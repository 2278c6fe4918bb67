"""Bodies and answers of agents: who represents creators and takes a fee."""

from services.roi.wire.fields import Name, Named, Stored


class AgentBody(Named):
    """An agent as sent."""

    name: Name
    """The name of the agent or agency."""


class AgentAnswer(Stored):
    """An agent as answered."""

    name: str
    """The name of the agent or agency."""
