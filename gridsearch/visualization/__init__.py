"""From numbers to figures, pages and documents; the only room that knows plotly."""
