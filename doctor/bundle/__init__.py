"""How does a diagnosis leave the machine as evidence, and how is it read somewhere else?

A bundle holds the facts, so that a later version can judge them again, and beside them the report,
the configuration that was read and the surroundings: all of it masked, searched for secrets when it
is finished, and read as hostile by whoever opens it.
"""
