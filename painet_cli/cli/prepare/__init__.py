"""From what is typed after `painet prepare` to a prepared dataset."""
