"""Tests: unit (pure, milliseconds), contract, integration (real parts), e2e (the story), architecture (the style as a test)."""
