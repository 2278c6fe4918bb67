"""All SQL of the attribution service, one module per subject."""
