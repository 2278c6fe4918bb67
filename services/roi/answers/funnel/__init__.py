"""The funnel: six stages of the customer journey with volumes, costs and returns."""
