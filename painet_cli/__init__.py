"""painet: 3D dynamics of many-body systems, predicted with energy-derived all-pair attention."""
