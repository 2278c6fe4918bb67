"""Contract tests: all logs, all vendor adapters, all messages, the published schemas."""
