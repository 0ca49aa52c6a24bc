"""Problems of one's own: ``gradscape serve --problems examples/own_problems.py`` offers them in the Lab, under Own.

A small transformer that predicts the next letter of a text, and a small network that fits a sine. The settings of each
function become the fields of its form; see docs/own-model.md.
"""

from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from gradscape import Fit, field, problem

LETTERS = " abcdefghijklmnopqrstuvwxyz"
SUBJECTS = ("the cat", "a small dog", "the old man", "my sister", "the river")
VERBS = ("sees", "follows", "likes", "forgets")
OBJECTS = ("the moon", "a red door", "the long road", "a quiet song")


def text(sentences: int, seed: int) -> str:
    """Make a text: sentences of a subject, a verb and an object, each drawn with equal chances."""
    draw = torch.Generator().manual_seed(seed)
    words = []
    for _ in range(sentences):
        words += [part[int(torch.randint(len(part), (), generator=draw))] for part in (SUBJECTS, VERBS, OBJECTS)]
    return " ".join(words) + " "


def windows(words: str, context: int) -> tuple[Tensor, Tensor]:
    """Return all pieces of ``context`` letters [N, context], and the letter that follows each [N]."""
    codes = torch.tensor([LETTERS.index(letter) for letter in words])
    pieces = codes.unfold(0, context + 1, 1)
    return pieces[:, :-1].contiguous(), pieces[:, -1].contiguous()


class Transformer(nn.Module):
    """Letters and places embedded, blocks of attention and a dense part, and the last place read out."""

    def __init__(self, context: int, width: int, heads: int, blocks: int, activation: str) -> None:
        super().__init__()
        self.letters = nn.Embedding(len(LETTERS), width)
        self.places = nn.Parameter(0.02 * torch.randn(context, width))
        # Dropout would make two evaluations of the loss differ.
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout=0.0, activation=activation, batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(layer, blocks, enable_nested_tensor=False)
        self.read = nn.Linear(width, len(LETTERS))

    def forward(self, letters: Tensor) -> Tensor:
        """Return the scores of the next letter [N, 27] after pieces of letters [N, context]."""
        hidden = self.blocks(self.letters(letters) + self.places)
        scores: Tensor = self.read(hidden[:, -1])
        return scores


@problem(summary="Predicts the next letter of a text that is made here: attention on a small scale.")
def small_transformer(
    context: Annotated[int, field("Letters that are read before one is predicted.", low=2, high=64)] = 8,
    width: Annotated[int, field("Numbers that stand for a letter; a multiple of the heads.", low=4, high=256)] = 16,
    heads: Annotated[int, field("Heads of attention.", low=1, high=16)] = 2,
    blocks: Annotated[int, field("Blocks of attention and a dense part.", low=1, high=8)] = 1,
    activation: Annotated[Literal["gelu", "relu"], field("Nonlinearity of the dense parts.")] = "gelu",
    sentences: Annotated[int, field("Sentences of the text; a fifth as many are the test split.", low=5)] = 20,
) -> Fit:
    """Predict the next letter."""
    return Fit(
        model=lambda: Transformer(context, width, heads, blocks, activation),
        loss="cross_entropy",
        train=windows(text(sentences, seed=0), context),
        test=windows(text(max(1, sentences // 5), seed=1), context),
        classes=len(LETTERS),
    )


@problem(title="Sine")
def sine(
    width: Annotated[int, field("Hidden units.", low=1, high=1024)] = 16,
    noise: Annotated[float, field("Standard deviation of the noise on the targets.", low=0.0, high=10.0)] = 0.1,
) -> Fit:
    """Fits a sine with noise, by a loss of its own: the logarithm of cosh, which forgives outliers."""
    x = torch.linspace(-3.0, 3.0, 120)[:, None]
    y = (2 * x).sin() + noise * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))

    def log_cosh(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs - targets).cosh().log().sum(1)  # of every example alone, [N]

    def network() -> nn.Module:
        return nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    return Fit(model=network, loss=log_cosh, train=(x, y))
