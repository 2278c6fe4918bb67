"""The bench: the speed and memory of Laurel, each measured beside a limit in the same run."""
