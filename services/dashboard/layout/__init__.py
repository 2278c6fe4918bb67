"""What all pages share: the frame around a page, its templates, and the class of its routes."""
