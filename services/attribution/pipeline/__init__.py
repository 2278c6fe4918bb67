"""From records to books: one batch is one transaction that stores what is new, joins identities, decides, posts and moves the offset."""
