"""`laurel explain ORDER`: the explanation of attribution with the names of roi, in plain words."""
