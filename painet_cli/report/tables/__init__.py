"""From figures to tables in the terminal, Markdown and CSV."""
