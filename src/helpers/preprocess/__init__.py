"""From raw counts to model input."""

from helpers.preprocess.genes import Prepared, choose_genes, log_cp10k, nested_subset, prepare

__all__ = ["Prepared", "choose_genes", "log_cp10k", "nested_subset", "prepare"]
