"""tracking's HTTP edge: the door for redirects, and the routes behind it."""
