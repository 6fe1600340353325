"""Time one training step of the set transformer against a plain loop over cells, genes and heads.

Run it as ``python benchmarks/reconstruction.py [size] [genes] [batch]``; defaults S, 512, 32: about a minute on two
cores. The loop is written as the paper describes the model and computes the same loss, which is checked first.
Nothing about time is asserted: machines differ and are noisy.
"""

import sys
import time

import numpy as np
import torch
from torch.nn import functional

from helpers.representations.objective import hidden_genes
from helpers.representations.set_transformer import SetTransformer, shape_of
from helpers.representations.training import device_for, seeded

REPEATS = 3


def loop_loss(model: SetTransformer, values: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """Mean squared error by the same weights, one cell, one gene and one head at a time."""
    total = torch.zeros((), device=values.device)
    for cell, hidden in zip(values, asked, strict=True):
        masked = set(hidden.tolist())
        tokens = []
        for gene in range(len(cell)):
            told = model.hidden if gene in masked else model.value(cell[gene].view(1))
            tokens.append(model.genes.weight[gene] + told)
        states = torch.stack(tokens)
        for block in model.blocks:
            normed = block.norm_attention(states)
            queries = block.query(normed).chunk(block.heads, dim=1)
            pairs = block.key_value(normed).view(len(cell), block.heads, -1).unbind(1)
            heads = []
            for query, pair in zip(queries, pairs, strict=True):
                key, value = pair.chunk(2, dim=1)
                heads.append(torch.softmax(query @ key.T / key.shape[1] ** 0.5, dim=1) @ value)
            states = states + block.joined(torch.cat(heads, dim=1))
            states = states + block.inside(block.norm_forward(states))
        predicted = model.head(states)[:, 0]
        for gene in masked:
            total = total + (predicted[gene] - cell[gene]) ** 2
    return total / asked.numel()


def batched_loss(model: SetTransformer, values: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    """Mean squared error as the project computes it."""
    with torch.autocast(values.device.type, torch.bfloat16, enabled=values.device.type == "cuda"):
        predicted = model(values, asked)
    return functional.mse_loss(predicted[..., 0].float(), values.gather(1, asked))


def seconds(loss: object, model: SetTransformer, values: torch.Tensor, asked: torch.Tensor, repeats: int) -> float:
    """Return the least seconds of a step: loss, gradients, AdamW."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        optimiser.zero_grad()
        loss(model, values, asked).backward()  # type: ignore[operator]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if values.is_cuda:
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - start)
    return min(spent)


def main() -> None:
    """Print the comparison."""
    size, genes, batch = sys.argv[1:2] or ["S"], sys.argv[2:3] or ["512"], sys.argv[3:4] or ["32"]
    n_genes, n_cells = int(genes[0]), int(batch[0])
    device = device_for("auto")
    rng = np.random.default_rng(0)
    with seeded(0):
        model = SetTransformer(n_genes, size[0]).to(device)
    values = torch.from_numpy(rng.random((n_cells, n_genes), np.float32)).to(device)
    asked = torch.from_numpy(hidden_genes(n_cells, n_genes, round(0.15 * n_genes), rng)).to(device)
    both = batched_loss(model, values, asked).item(), loop_loss(model, values, asked).item()
    print(
        f"{size[0]} {shape_of(size[0])}, {n_genes} genes, {n_cells} cells, {device}, {torch.get_num_threads()} threads"
    )
    print(f"loss batched {both[0]:.6f}, loop {both[1]:.6f}")
    np.testing.assert_allclose(*both, rtol=1e-4 if device.type == "cpu" else 2e-2)
    fast = seconds(batched_loss, model, values, asked, REPEATS + 1)
    slow = seconds(loop_loss, model, values, asked, REPEATS)
    print(f"a step: batched {fast:.3f} s, loop {slow:.3f} s, ratio {slow / fast:.1f}")


if __name__ == "__main__":
    main()
