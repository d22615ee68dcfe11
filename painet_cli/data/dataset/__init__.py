"""From frames and a manifest to a prepared dataset on disk, and back."""
