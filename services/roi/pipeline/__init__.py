"""From credits to rollups: the fold of new records, and the rebuild for another time zone."""
