"""Data sets of real cells, one module each.

Options that all or several loaders take are documented here alone: ``signal``, what is asked about the cells;
``n_folds`` and ``split_seed``, the folds made before anything else; ``k`` and ``pair_seed``, of how many nearest cells
one is drawn, and which; ``folder``, a folder of one's own files with the registered names, taken without a check of
their hashes. Addresses, citations and licences are in ``registry.yaml``.
"""
