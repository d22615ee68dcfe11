"""What another package needs to add a model, a data source or a recorder to painet.

A model subclasses `DynamicsModel` and has a `Config`, a subclass of `ModelConfig`; a source is a
`DataSource`; a recorder has the methods of `Recorder`. They are named by entry points, groups
`painet.models`, `painet.sources` and `painet.recorders`. The
guides "Add a model" and "Add a data source" go through an example; `painet.testing` holds the
checks that every model of painet's passes.
"""

from lazy_loader import attach_stub

# a source needs no torch, and its command's help must not wait for it
__getattr__, __dir__, __all__ = attach_stub("painet_cli", __file__)
