"""MobileNetV2 with a classification head: predicted classes, and the features of its last layer."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from helpers._utils.options import check_options, number, whole
from helpers._utils.validation import as_array, as_labels, as_seed, in_range, same_length
from helpers.datasets import files
from helpers.representations import pretrained, training

VERSION = 1  # 2026-11-28 numbered

HUB = "google/mobilenet_v2_1.0_224"
_CHUNK = 256  # images in one pass without gradients


@dataclass
class MobileNet:
    """MobileNetV2 that learns to name the class of an image: ``.fit(images, labels).predict(images)``.

    Parameters
    ----------
    weights : str or path
        "scratch"; "hub" for the ImageNet weights of the model hub; "imagenet_int8" for ImageNet weights that were
        rounded to 8 bits, of the registry's data (``noise-scaling data models``); or a folder with such a checkpoint.
    width : float
        Multiplies the channels of every layer ("scratch" only).
    input_size : int or None
        Side in pixels that images are resized to; None: as they are.
    epochs, rate, batch
        Passes over the training images; learning rate of Adam (1e-4 is the papers', for pretrained weights); images a
        step.
    dropout : float
        Before the last layer.
    device : "auto", "cpu" or "cuda"

    Attributes
    ----------
    history_ : DataFrame
        ``step`` and ``train_bits``, the cross-entropy in bits of each step.

    Notes
    -----
    Weights are read from safetensors alone, which cannot run code, and code in the folder of a checkpoint is never run.

    Sandler et al. 2018, doi:10.1109/CVPR.2018.00474, in the code of transformers. That code gives batch norm the
    momentum of TensorFlow, 0.997, which torch reads the other way round: its running statistics are those of the last
    batch. From scratch they are therefore replaced after training by the mean over all training images. Pretrained
    weights keep theirs, also while training: those of a checkpoint whose batch norm was folded away are no statistics.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images = rng.uniform(-1, 1, size=(24, 1, 32, 32)).astype(np.float32)
    >>> model = MobileNet(width=0.1, epochs=1).fit(images, ["a", "b"] * 12)
    >>> model.predict(images).shape, model.transform(images).shape
    ((24,), (24, 1280))
    """

    weights: str | Path = "scratch"
    width: float = number(0.35, 0.05, 2)
    input_size: int | None = whole(None, 32, 4096, fix="MobileNetV2 halves images five times.")
    epochs: float = number(8, 0, 1e5, open_low=True)
    rate: float = number(1e-3, 0, 1, open_low=True)
    batch: int = whole(32, 2, 1e5)
    dropout: float = number(0.2, 0, 1)
    seed: int = 0
    device: str = "auto"

    def fit(self, images: np.ndarray, labels: Any) -> Self:
        """Learn the classes of training images, float32 of shape (images, 1 or 3, height, width) in about [-1, 1].

        Raises
        ------
        ValueError, FileNotFoundError
            For images of another shape or kind, other labels than images, one class, or an option out of range; if the
            weights are not there or cannot be loaded.
        """
        check_options(self)
        self.seed = as_seed(self.seed)
        n = same_length(images=images, labels=labels)
        in_range(n, 2, np.inf, "number of training images")
        device = training.device_for(self.device)
        codes = as_labels(labels, "labels of the training images")
        self.classes_ = np.unique(np.asarray(labels))
        in_range(len(self.classes_), 2, np.inf, "number of classes of the training images")
        with training.seeded(self.seed) as rng:
            self._model = self._new().to(device, memory_format=torch.channels_last)
            inputs = self._inputs(images)
            self.history_ = self._learn(inputs, torch.from_numpy(codes), rng)
            if self.weights == "scratch":
                self._settle(inputs)
        self._model.eval()
        return self

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return the most likely class of each image."""
        return self.named(self.transform(images))

    def named(self, features: np.ndarray) -> np.ndarray:
        """Return the most likely class of each row of last-layer features."""
        head = self._fitted().classifier
        with torch.inference_mode():
            scores = head(torch.from_numpy(np.asarray(features, np.float32)).to(self._model.device))
        return self.classes_[scores.argmax(dim=1).cpu().numpy()]

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Return the pooled features of the last layer, float32 of shape (images, 1280)."""
        self._fitted()
        inputs = self._inputs(images)
        with torch.inference_mode():
            parts = [self._model.mobilenet_v2(self._placed(part)).pooler_output for part in inputs.split(_CHUNK)]
        return torch.cat(parts).float().cpu().numpy()

    def _learn(self, inputs: torch.Tensor, codes: torch.Tensor, rng: np.random.Generator) -> pd.DataFrame:
        def losses_of(rows: np.ndarray, step: int) -> list[torch.Tensor]:
            device = self._model.device
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                scores = self._model(self._placed(inputs[rows])).logits
            return [torch.nn.functional.cross_entropy(scores.float(), codes[rows].to(device))]

        optimiser = torch.optim.Adam(self._model.parameters(), lr=self.rate)
        steps = max(1, round(self.epochs * len(inputs) / self.batch))
        loop = training.Loop(self._model, optimiser, losses_of, unit=np.log(2))
        self._model.train()
        if self.weights != "scratch":
            for module in self._norms():
                module.eval()
        loop.run(training.batches(len(inputs), self.batch, steps, rng), steps)
        return loop.history(step="step", train_bits="train")

    def _fitted(self) -> Any:
        if not hasattr(self, "_model"):
            raise RuntimeError("MobileNet is not fitted: call .fit(images, labels) first.")
        return self._model

    def _placed(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs.to(self._model.device, memory_format=torch.channels_last)

    def _new(self) -> Any:
        from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

        head = {"num_labels": len(self.classes_), "classifier_dropout_prob": self.dropout}
        if self.weights == "scratch":
            return MobileNetV2ForImageClassification(MobileNetV2Config(depth_multiplier=self.width, **head))
        source = HUB if self.weights == "hub" else str(self.weights)
        if self.weights == "imagenet_int8":
            config, _ = (files.fetch("models", name) for name in ("config.json", "model.safetensors"))
            source = str(config.parent)
        elif self.weights != "hub" and not Path(source).is_dir():
            raise FileNotFoundError(
                f"weights are {source!r}: give 'scratch', 'hub', 'imagenet_int8' or a folder with a checkpoint."
            )
        with pretrained.loading(source, "mobilenet_v2", "MobileNetV2", HUB):
            model, report = MobileNetV2ForImageClassification.from_pretrained(
                source, ignore_mismatched_sizes=True, use_safetensors=True, output_loading_info=True, **head
            )
        missing = [*report["missing_keys"], *(key[0] for key in report["mismatched_keys"])]
        missing = [name for name in missing if not name.startswith("classifier.")]
        if missing:
            raise ValueError(
                f"{source} lacks {len(missing)} weights of a MobileNetV2, such as {missing[0]}: it is another model."
            )
        return model

    def _inputs(self, images: np.ndarray) -> torch.Tensor:
        images = as_array(images, "images")
        if images.ndim != 4 or images.shape[1] not in (1, 3) or 0 in images.shape:
            raise ValueError(f"images have shape {images.shape}: give (images, 1 or 3, height, width), none of them 0.")
        if images.dtype.kind != "f" or not np.isfinite(images).all():
            raise ValueError(f"images have dtype {images.dtype}: give finite floats, without noise in [-1, 1].")
        pixels = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
        if self.input_size is not None and tuple(pixels.shape[2:]) != (self.input_size, self.input_size):
            # Antialiased: a smaller input sees means over pixels, as an optical sensor does.
            parts = [
                torch.nn.functional.interpolate(part, size=(self.input_size,) * 2, mode="bilinear", antialias=True)
                for part in pixels.split(_CHUNK)
            ]
            pixels = torch.cat(parts)
        return pixels.expand(-1, 3, -1, -1)

    def _norms(self) -> list[torch.nn.BatchNorm2d]:
        return [m for m in self._model.modules() if isinstance(m, torch.nn.BatchNorm2d)]

    def _settle(self, inputs: torch.Tensor) -> None:
        """Set the statistics of batch norm to their means over the training images."""
        for module in self._norms():
            module.reset_running_stats()
            module.momentum = None  # equal weights
        self._model.train()
        with torch.no_grad():
            # Parts of nearly equal size: batch norm fails on one image, and all count alike.
            for part in inputs.tensor_split(-(-len(inputs) // _CHUNK)):
                self._model(self._placed(part))
