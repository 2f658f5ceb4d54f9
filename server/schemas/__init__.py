"""Wire shapes, one module for each resource; sizes are limited here, once."""
