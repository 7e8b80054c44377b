"""From numbers to figures to pages."""
