"""Goals: what was to be reached, how far it is, and the form that sets one."""
