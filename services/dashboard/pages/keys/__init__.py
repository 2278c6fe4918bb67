"""API keys: who may ask and send, and the form that makes one."""
