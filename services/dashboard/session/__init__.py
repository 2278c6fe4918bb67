"""Who is signed in: the sealed cookie, one-time links, and tokens against forged forms."""
