"""What was accepted and changes no figure, or a doubtful one: named, counted, with what to do."""
