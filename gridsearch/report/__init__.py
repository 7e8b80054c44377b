"""From numbers to figures and static pages; the only room that knows plotly."""
