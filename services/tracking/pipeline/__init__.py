"""One request of tracking: record a click, or accept events and store them in the journal."""
