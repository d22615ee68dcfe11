"""From recordings of people, as text or binary, to skeletons and joint positions."""
