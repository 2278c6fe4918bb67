"""From credits to rollups: the fold of what comes, and the rebuild by the days of another time zone."""
