"""Data sets: scikit-learn's bundled ones, image files that one has, and toys that are made from a seed."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


class DataSpec(SpecModel):
    """What all data sets share: one fixed order, its front for training, the rest for the test split."""

    title: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str]
    classes: ClassVar[int | None]  # None: a regression with one real output
    image: ClassVar[tuple[int, int, int] | None] = None  # channels, height, width

    standardize: bool = described(
        False, "Shift and scale each feature to mean 0 and standard deviation 1 over the training split."
    )
    seed: int = described(
        0,
        "Seed of the order of the examples, and of their noise where the data are made; apart from the run's seed.",
        title="Data seed",
        ge=0,
        le=2**31 - 1,
    )


class DigitsData(DataSpec):
    """Handwritten digits: 1,797 images of 8×8 pixels, ten classes; pixels divided by 16."""

    title = "Digits"
    summary = "1,797 handwritten digits of 8×8 pixels, ten classes."
    reference = "Alpaydin & Kaynak 1998, Optical Recognition of Handwritten Digits (UCI)"
    classes = 10
    image = (1, 8, 8)
    kind: Literal["digits"] = kind_of("digits")
    examples: int = described(1500, "Training examples; the rest of the 1,797 are the test split.", ge=1, le=1797)


class LargeDigitsData(DigitsData):
    """The same digits, each pixel a square of 4×4: pictures of 32×32 for nets that are made for such."""

    title = "Digits 32×32"
    summary = "The 1,797 digits with each pixel a square of 4×4: small content, large pictures."
    image = (1, 32, 32)
    kind: Literal["digits32"] = kind_of("digits32")  # type: ignore[assignment]


class MnistData(DataSpec):
    """MNIST: 70,000 handwritten digits of 28×28 pixels, from the four standard files; pixels divided by 255."""

    title = "MNIST"
    summary = "70,000 handwritten digits of 28×28 pixels, from files in the data directory."
    reference = "LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition"
    classes = 10
    image = (1, 28, 28)
    kind: Literal["mnist"] = kind_of("mnist")
    examples: int = described(10_000, "Training examples, out of the 60,000 of the training files.", ge=1, le=60_000)
    test_examples: int = described(
        2000, "Examples of the test split, out of the 10,000 of the test files.", title="Test examples", ge=1, le=10_000
    )


class Cifar10Data(DataSpec):
    """CIFAR-10: 60,000 colour photographs of 32×32 pixels, from the six binary files; pixels divided by 255."""

    title = "CIFAR-10"
    summary = "60,000 colour photographs of 32×32 pixels, ten classes, from files in the data directory."
    reference = "Krizhevsky 2009, Learning multiple layers of features from tiny images"
    classes = 10
    image = (3, 32, 32)
    kind: Literal["cifar10"] = kind_of("cifar10")
    examples: int = described(5000, "Training examples, out of the 50,000 of the training files.", ge=1, le=50_000)
    test_examples: int = described(
        2000, "Examples of the test split, out of the 10,000 of the test file.", title="Test examples", ge=1, le=10_000
    )


class BlockDigitsData(DataSpec):
    """Zeros and ones above or below a block that is the same for both: where the signal is, is known."""

    title = "Block digits"
    summary = "360 zeros and ones of 8×8 beside a block that says nothing: maps can be checked."
    reference = "Shah, Jain & Netrapalli 2021, Do input gradients highlight discriminative features?"
    classes = 2
    image = (1, 16, 8)
    kind: Literal["block_digits"] = kind_of("block_digits")
    examples: int = described(260, "Training examples; the rest of the 360 are the test split.", ge=1, le=360)
    place: Literal["random", "above"] = described("random", "Where the digit is: above or below at random, or above.")


class PhotographsData(DataSpec):
    """Crops of scikit-learn's photographs of a temple and a flower, at a quarter of their size; class by photograph."""

    title = "Photographs"
    summary = "Crops of 32×32 from a photograph of a temple and one of a flower, two classes in colour."
    reference = "scikit-learn, load_sample_images"
    classes = 2
    image = (3, 32, 32)
    kind: Literal["photographs"] = kind_of("photographs")
    examples: int = described(400, "Training crops, from the left two thirds of the photographs.", ge=2, le=10_000)
    test_examples: int = described(
        100, "Crops of the test split, from the right third.", title="Test examples", ge=2, le=10_000
    )


class WavesData(DataSpec):
    """Sine waves of random phase in noise; class by frequency."""

    title = "Waves"
    summary = "Noisy sine waves of two frequencies, a class each: signals whose spectrum is known."
    reference = "x_t = sin(2π·frequency·t/length + phase) + noise"
    classes = 2
    kind: Literal["waves"] = kind_of("waves")
    examples: int = described(400, "Training signals; as many again are the test split.", ge=2, le=20_000)
    length: int = described(64, "Samples of a signal.", ge=8, le=1024)
    frequency: int = described(5, "Periods within a signal of class 0.", unit="periods", ge=1, le=512)
    other: int = described(9, "Periods within a signal of class 1.", unit="periods", ge=1, le=512)
    noise: float = described(0.3, "Standard deviation of the noise added to each sample.", ge=0.0, le=10.0)

    @model_validator(mode="after")
    def _frequencies_fit(self) -> Self:
        if 2 * max(self.frequency, self.other) >= self.length:
            raise ValueError(
                f"a signal of {self.length} samples tells fewer than {self.length // 2} periods; take longer ones"
            )
        if self.frequency == self.other:
            raise ValueError("both classes have the same frequency; give them different ones")
        return self


class WineData(DataSpec):
    """Wine: 178 wines, 13 chemical measurements, three growers."""

    title = "Wine"
    summary = "178 wines by 13 chemical measurements, three classes."
    reference = "Aeberhard & Forina 1992, Wine (UCI)"
    classes = 3
    kind: Literal["wine"] = kind_of("wine")
    examples: int = described(140, "Training examples; the rest of the 178 are the test split.", ge=1, le=178)
    standardize: bool = described(
        True, "Shift and scale each feature to mean 0 and standard deviation 1 over the training split."
    )


class BreastCancerData(DataSpec):
    """Breast cancer: 569 tumours, 30 measurements, benign or malignant."""

    title = "Breast cancer"
    summary = "569 tumours by 30 measurements, two classes."
    reference = "Wolberg, Mangasarian, Street & Street 1995, Breast Cancer Wisconsin (UCI)"
    classes = 2
    kind: Literal["breast_cancer"] = kind_of("breast_cancer")
    examples: int = described(450, "Training examples; the rest of the 569 are the test split.", ge=1, le=569)
    standardize: bool = described(
        True, "Shift and scale each feature to mean 0 and standard deviation 1 over the training split."
    )


class MoonsData(DataSpec):
    """Two interleaved half circles in the plane."""

    title = "Moons"
    summary = "Two interleaved half circles in the plane, two classes."
    reference = "scikit-learn, make_moons"
    classes = 2
    kind: Literal["moons"] = kind_of("moons")
    examples: int = described(200, "Training examples; as many again are the test split.", ge=2, le=20_000)
    noise: float = described(0.1, "Standard deviation of the noise added to each point.", ge=0.0, le=2.0)


class CirclesData(DataSpec):
    """Two circles about the origin, one inside the other."""

    title = "Circles"
    summary = "A circle inside a circle, two classes."
    reference = "scikit-learn, make_circles"
    classes = 2
    kind: Literal["circles"] = kind_of("circles")
    examples: int = described(200, "Training examples; as many again are the test split.", ge=2, le=20_000)
    noise: float = described(0.05, "Standard deviation of the noise added to each point.", ge=0.0, le=2.0)
    factor: float = described(0.5, "Radius of the inner circle as a share of the outer one's.", gt=0.0, lt=1.0)


class SpiralsData(DataSpec):
    """Two spiral arms wound about each other; class by arm."""

    title = "Spirals"
    summary = "Two spiral arms wound about each other, two classes."
    reference = "Lang & Witbrock 1988, Learning to tell two spirals apart"
    classes = 2
    kind: Literal["spirals"] = kind_of("spirals")
    examples: int = described(300, "Training examples; as many again are the test split.", ge=2, le=20_000)
    turns: float = described(1.5, "Turns of each arm about the origin.", unit="turns", gt=0.0, le=5.0)
    noise: float = described(0.02, "Standard deviation of the noise added to each point (radius 1).", ge=0.0, le=2.0)


class BlobsData(DataSpec):
    """Three round Gaussian clouds in the plane; class by cloud."""

    title = "Blobs"
    summary = "Three round Gaussian clouds in the plane, three classes."
    reference = "scikit-learn, make_blobs"
    classes = 3
    kind: Literal["blobs"] = kind_of("blobs")
    examples: int = described(300, "Training examples; as many again are the test split.", ge=3, le=20_000)
    spread: float = described(1.0, "Standard deviation of each cloud (the centres lie in a box of ±10).", gt=0.0, le=10)


class ChebyshevData(DataSpec):
    """A Chebyshev polynomial, T_n(x) = cos(n·arccos x), at evenly spaced x on [−1, 1]; all of it training data."""

    title = "Chebyshev polynomial"
    summary = "Evenly spaced points of T_n(x) on [−1, 1], a regression; no test split."
    reference = "Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability"
    classes = None
    kind: Literal["chebyshev"] = kind_of("chebyshev")
    points: int = described(20, "Points evenly spaced on [−1, 1].", ge=2, le=10_000)
    degree: int = described(4, "Degree n of the polynomial.", ge=0, le=50)


class SineData(DataSpec):
    """A sine wave with noise: y = sin(2π·frequency·x) + noise, x uniform on [−1, 1]."""

    title = "Sine"
    summary = "A noisy sine wave on [−1, 1], a regression."
    reference = "y = sin(2π·frequency·x) + noise"
    classes = None
    kind: Literal["sine"] = kind_of("sine")
    examples: int = described(100, "Training examples; as many again are the test split.", ge=1, le=20_000)
    frequency: float = described(1.0, "Periods per unit of x.", unit="1/x", gt=0.0, le=50.0)
    noise: float = described(0.1, "Standard deviation of the noise added to y.", ge=0.0, le=2.0)


class PlantedData(DataSpec):
    """Sums that a linear model must meet: input k is 1 on the k-th block of features, and its target is k.

    A linear model has many more weights than there are sums, so its solutions form a plane that lacks as many
    dimensions as there are sums: the intrinsic dimension is planted.
    """

    title = "Planted constraints"
    summary = "A few sums over many weights: a problem whose intrinsic dimension is known; no test split."
    reference = (
        "Li, Farkhoor, Liu & Yosinski 2018, Measuring the intrinsic dimension of objective landscapes, section 2"
    )
    classes = None
    kind: Literal["planted"] = kind_of("planted")
    examples: int = described(10, "Sums, each a constraint: the intrinsic dimension of a linear model.", ge=1, le=1000)
    block: int = described(100, "Weights in each sum.", ge=1, le=1000)


FROM_FILES = (MnistData, Cifar10Data)
DATA_KINDS = (
    DigitsData, LargeDigitsData, BlockDigitsData, PhotographsData, *FROM_FILES, WineData, BreastCancerData, WavesData,
    MoonsData, CirclesData, SpiralsData, BlobsData, ChebyshevData, SineData, PlantedData,
)  # fmt: skip
AnyData = Annotated[
    DigitsData
    | LargeDigitsData
    | BlockDigitsData
    | PhotographsData
    | MnistData
    | Cifar10Data
    | WineData
    | BreastCancerData
    | WavesData
    | MoonsData
    | CirclesData
    | SpiralsData
    | BlobsData
    | ChebyshevData
    | SineData
    | PlantedData,
    Field(discriminator="kind"),
]


def training_examples(data: AnyData) -> int:
    """Size of the training split of a data set."""
    return data.points if isinstance(data, ChebyshevData) else data.examples
