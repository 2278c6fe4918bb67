"""The attacks of issue 9 over HTTP: three running services, a real log, a stranger's public key."""
