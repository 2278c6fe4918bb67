"""The tests: unit (pure), contract, integration, e2e, architecture, simulation, chaos, bench."""
