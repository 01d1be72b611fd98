# The objects of fastdjango_signals, as its install() serves them.
from fastdjango_signals import *  # noqa: F403 - whatever they are
