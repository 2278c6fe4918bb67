"""Chaos tests: processes are killed or frozen and disks are filled under traffic.

The ledger must be that of an undisturbed run. Each test has a short seeded form that always runs,
and a long one (marked `slow`) that `make chaos` runs. The long one prints its replay command.
"""
