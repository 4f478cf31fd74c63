"""Binary pictures, one pixel after another: exact likelihoods, samples, and what each model pays for them."""

from vizcore.autoregressive.baselines import (
    MAX_TABLE_PIXELS,
    FullTable,
    IndependentPixels,
    fit_independent,
    fit_table,
    list_pictures,
)
from vizcore.autoregressive.classification import (
    Classification,
    LogisticRegression,
    classify,
    fit_logistic_regression,
    log_prior_of,
)
from vizcore.autoregressive.comparison import PixelCosts, measure
from vizcore.autoregressive.dependencies import (
    Dependencies,
    blind_spot,
    count_paths,
    dependencies,
    receptive_field,
    trace_paths,
)
from vizcore.autoregressive.likelihood import (
    Evaluation,
    PictureLikelihood,
    bits_per_pixel,
    evaluate,
    explain_likelihood,
    log_likelihood,
    mixture_log_likelihood,
)
from vizcore.autoregressive.messages import MESSAGES
from vizcore.autoregressive.orders import ORDERS, pixel_order
from vizcore.autoregressive.packing import pack_sampling
from vizcore.autoregressive.sampling import (
    FREE,
    SampleOutput,
    SamplingCancelledError,
    SamplingTrace,
    flip_pixel,
    sample,
    trace_sampling,
)
from vizcore.autoregressive.script import write_autoregressive_script
from vizcore.autoregressive.shipped import NotTrainedError, PixelCard, find_trained, list_trained, load_trained
from vizcore.autoregressive.training import KINDS, EpochReport, TrainedPixels, build, train
from vizcore.models.autoregressive import AutoregressiveError, PixelModel

__all__ = [
    "FREE",
    "KINDS",
    "MAX_TABLE_PIXELS",
    "MESSAGES",
    "ORDERS",
    "AutoregressiveError",
    "Classification",
    "Dependencies",
    "EpochReport",
    "Evaluation",
    "FullTable",
    "IndependentPixels",
    "LogisticRegression",
    "NotTrainedError",
    "PictureLikelihood",
    "PixelCard",
    "PixelCosts",
    "PixelModel",
    "SampleOutput",
    "SamplingCancelledError",
    "SamplingTrace",
    "TrainedPixels",
    "bits_per_pixel",
    "blind_spot",
    "build",
    "classify",
    "count_paths",
    "dependencies",
    "evaluate",
    "explain_likelihood",
    "find_trained",
    "fit_independent",
    "fit_logistic_regression",
    "fit_table",
    "flip_pixel",
    "list_pictures",
    "list_trained",
    "load_trained",
    "log_likelihood",
    "log_prior_of",
    "measure",
    "mixture_log_likelihood",
    "pack_sampling",
    "pixel_order",
    "receptive_field",
    "sample",
    "trace_paths",
    "trace_sampling",
    "train",
    "write_autoregressive_script",
]
