"""Attention transfer: recurrent layers are fitted to the softmax attention that they replace, on passages alone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from topores.backbones.encoder import Encoder
from topores.forward.layout import Block
from topores.modules.recurrent import recurrent_layers
from topores.modules.recurrent_attention import RecurrentAttention, real_tokens
