"""The words a learner's program may use: an allow-list of torch and of Python's own functions.

A word that is not here does not exist for the program. Everything listed computes on tensors it is given, or makes new
ones: nothing reads or writes files, starts a process, calls back into Python code, or reaches torch's global state.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from vizcore.autograd import datasets
from vizcore.autograd.distributions import DISTRIBUTIONS
from vizcore.autograd.optim_words import OPTIM
from vizcore.autograd.values import Silent
from vizcore.autograd.words import Namespace, Word

_TORCH_WORDS = """
tensor ones zeros full arange linspace logspace eye rand randn randint randperm normal bernoulli multinomial ones_like
zeros_like full_like rand_like randn_like abs absolute neg negative exp exp2 expm1 log log2 log10 log1p sqrt rsqrt
square pow sin cos tan asin acos atan atan2 arctan arctan2 sinh cosh tanh asinh acosh atanh sigmoid relu softmax
log_softmax clamp clip sign sgn floor ceil round trunc frac reciprocal erf erfc erfinv lgamma digamma logit sinc hypot
heaviside maximum minimum fmax fmin add sub subtract mul multiply div divide true_divide floor_divide remainder fmod
where lerp addcmul addcdiv logaddexp xlogy deg2rad rad2deg nan_to_num sum mean prod std var std_mean var_mean max min
amax amin aminmax argmax argmin all any cumsum cumprod cummax cummin logcumsumexp logsumexp norm median quantile
nansum nanmean sort topk argsort kthvalue count_nonzero diff dist mm matmul bmm mv dot vdot inner outer einsum
tensordot kron addmm addmv baddbmm cross trace diag diagonal diag_embed tril triu inverse det logdet slogdet cdist
matrix_exp cosine_similarity pairwise_distance cat concat concatenate stack hstack vstack dstack column_stack split
chunk tensor_split unbind reshape flatten unflatten ravel squeeze unsqueeze transpose swapaxes permute t movedim flip
fliplr flipud roll rot90 tile repeat_interleave broadcast_to broadcast_tensors atleast_1d atleast_2d narrow select
gather scatter scatter_add index_select index_add masked_select masked_fill take take_along_dim nonzero meshgrid
bucketize searchsorted clone detach eq ne lt le gt ge equal allclose isclose isnan isinf isfinite logical_and
logical_or logical_not logical_xor numel is_tensor is_floating_point is_grad_enabled conv1d conv2d conv_transpose1d
conv_transpose2d from_numpy as_tensor asarray unique argwhere cov manual_seed is_inference
"""

_DTYPES_WORDS = """
float32 float64 float16 bfloat16 float double half int8 int16 int32 int64 int long uint8 bool
"""

_LINALG_WORDS = """
norm vector_norm matrix_norm inv det slogdet solve svdvals svd eigh eigvalsh qr cholesky matrix_power cross pinv cond
matrix_rank multi_dot vecdot diagonal
"""

_FUNCTIONAL_WORDS = """
relu relu6 leaky_relu elu selu celu gelu silu mish softplus softsign tanh sigmoid hardtanh hardsigmoid hardswish
logsigmoid prelu threshold glu softmax log_softmax softmin tanhshrink hardshrink softshrink normalize one_hot mse_loss
l1_loss smooth_l1_loss huber_loss cross_entropy nll_loss binary_cross_entropy binary_cross_entropy_with_logits kl_div
hinge_embedding_loss margin_ranking_loss cosine_embedding_loss triplet_margin_loss poisson_nll_loss soft_margin_loss
linear bilinear embedding conv1d conv2d conv_transpose1d conv_transpose2d unfold fold max_pool1d max_pool2d avg_pool1d
avg_pool2d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool1d adaptive_max_pool2d lp_pool1d lp_pool2d
max_unpool1d max_unpool2d interpolate pixel_shuffle pixel_unshuffle pad grid_sample affine_grid dropout dropout1d
dropout2d alpha_dropout batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm cosine_similarity
pairwise_distance scaled_dot_product_attention gumbel_softmax gaussian_nll_loss multi_margin_loss
multilabel_margin_loss multilabel_soft_margin_loss
"""

_MODULES_WORDS = """
Linear Bilinear Conv1d Conv2d ConvTranspose1d ConvTranspose2d Embedding ReLU ReLU6 LeakyReLU ELU SELU CELU GELU SiLU
Mish Softplus Softsign Tanh Sigmoid Hardtanh Hardsigmoid Hardswish LogSigmoid PReLU Threshold GLU Softmax LogSoftmax
Softmin Tanhshrink Hardshrink Softshrink BatchNorm1d BatchNorm2d LayerNorm GroupNorm InstanceNorm1d InstanceNorm2d
RMSNorm LocalResponseNorm Dropout Dropout1d Dropout2d AlphaDropout Flatten Unflatten Identity MaxPool1d MaxPool2d
AvgPool1d AvgPool2d AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveMaxPool1d AdaptiveMaxPool2d Upsample
UpsamplingNearest2d UpsamplingBilinear2d PixelShuffle PixelUnshuffle ZeroPad2d ReflectionPad2d ReplicationPad2d
ConstantPad2d MSELoss L1Loss SmoothL1Loss HuberLoss CrossEntropyLoss NLLLoss BCELoss BCEWithLogitsLoss KLDivLoss
CosineSimilarity PairwiseDistance Sequential HingeEmbeddingLoss MarginRankingLoss CosineEmbeddingLoss TripletMarginLoss
PoissonNLLLoss SoftMarginLoss MultiMarginLoss GaussianNLLLoss Softmax2d RNNCell LSTMCell GRUCell RNN LSTM GRU
MultiheadAttention TransformerEncoderLayer MultiLabelMarginLoss MultiLabelSoftMarginLoss
"""

_INIT_WORDS = """
zeros_ ones_ constant_ eye_ normal_ uniform_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_
orthogonal_ trunc_normal_
"""

_NN_UTILS = "clip_grad_norm_ clip_grad_value_ parameters_to_vector vector_to_parameters"

_TENSOR_ATTRIBUTES_WORDS = """
shape dtype grad grad_fn requires_grad is_leaf data T mT ndim retains_grad itemsize nbytes _version is_cuda device
_base
"""
TENSOR_ATTRIBUTES = frozenset(_TENSOR_ATTRIBUTES_WORDS.split())

_TENSOR_METHODS_WORDS = """
backward detach detach_ clone requires_grad_ retain_grad item tolist size dim numel nelement stride is_contiguous
contiguous is_floating_point to float double half bfloat16 int long bool type_as view view_as reshape reshape_as
flatten unflatten ravel squeeze squeeze_ unsqueeze unsqueeze_ transpose transpose_ t t_ permute movedim swapaxes
expand expand_as repeat repeat_interleave tile flip roll rot90 unbind split chunk tensor_split select narrow diagonal
diag diag_embed tril triu tril_ triu_ broadcast_to unfold abs abs_ absolute neg neg_ negative exp exp_ exp2 expm1 log
log_ log2 log10 log1p sqrt sqrt_ rsqrt rsqrt_ square square_ pow pow_ sin sin_ cos cos_ tan asin acos atan atan2 sinh
cosh tanh tanh_ asinh acosh atanh sigmoid sigmoid_ relu relu_ softmax log_softmax clamp clamp_ clamp_min clamp_max
clamp_min_ clamp_max_ clip clip_ sign sign_ sgn floor floor_ ceil ceil_ round round_ trunc trunc_ frac reciprocal
reciprocal_ erf erfc erfinv lgamma digamma logit sinc hypot heaviside maximum minimum fmax fmin add add_ sub sub_
subtract mul mul_ multiply div div_ divide true_divide floor_divide remainder remainder_ fmod where lerp lerp_ addcmul
addcmul_ addcdiv addcdiv_ logaddexp xlogy nan_to_num sum mean prod std var max min amax amin aminmax argmax argmin all
any cumsum cumprod cummax cummin logcumsumexp logsumexp norm median quantile nansum nanmean sort topk argsort kthvalue
count_nonzero diff dist mm matmul bmm mv dot vdot inner outer kron addmm addmm_ addmv baddbmm cross trace inverse det
logdet slogdet matrix_exp matrix_power gather scatter scatter_ scatter_add scatter_add_ index_select index_add
index_add_ index_fill index_fill_ index_copy index_copy_ masked_select masked_fill masked_fill_ masked_scatter take
take_along_dim nonzero zero_ fill_ copy_ normal_ uniform_ bernoulli_ bernoulli multinomial new_tensor new_zeros
new_ones new_full eq ne lt le gt ge equal allclose isclose isnan isinf isfinite logical_and logical_or logical_not
logical_xor numpy cpu type register_hook element_size ndimension unique argwhere is_inference nelement cov
register_post_accumulate_grad_hook storage_offset _is_view
"""
TENSOR_METHODS = frozenset(_TENSOR_METHODS_WORDS.split())

_MODULE_ATTRIBUTES_WORDS = """
weight bias running_mean running_var num_batches_tracked training in_features out_features in_channels out_channels
kernel_size stride padding dilation groups eps momentum p num_features normalized_shape num_embeddings embedding_dim
hidden_size input_size num_layers negative_slope
"""
MODULE_ATTRIBUTES = frozenset(_MODULE_ATTRIBUTES_WORDS.split())

_MODULE_METHODS_WORDS = """
parameters named_parameters buffers named_buffers zero_grad train eval requires_grad_ to double float half bfloat16
children named_children modules named_modules state_dict load_state_dict forward cpu apply append extend add_module
register_buffer register_parameter extra_repr register_forward_hook register_forward_pre_hook
register_full_backward_hook keys values items
"""
MODULE_METHODS = frozenset(_MODULE_METHODS_WORDS.split())
MODULE_HOOKS = frozenset(word for word in MODULE_METHODS if word.endswith("_hook"))

SETTABLE_TENSOR_ATTRIBUTES = frozenset(("grad", "data", "requires_grad"))
SETTABLE_MODULE_ATTRIBUTES = frozenset(("weight", "bias", "training", "p"))

_PYTHON_FUNCTIONS_WORDS = """
print range len float int bool abs min max sum round enumerate zip list tuple reversed sorted isinstance type str dict
set any all map filter iter next hasattr getattr callable repr divmod pow super object format
"""
PYTHON_FUNCTIONS = frozenset(_PYTHON_FUNCTIONS_WORDS.split())

PYTHON_KEYWORDS: MappingProxyType[str, frozenset[str]] = MappingProxyType(
    {
        "print": frozenset(("sep", "end", "flush")),
        "max": frozenset(("default", "key")),
        "min": frozenset(("default", "key")),
        "sum": frozenset(("start",)),
        "round": frozenset(("ndigits",)),
        "enumerate": frozenset(("start",)),
        "int": frozenset(("base",)),
        "sorted": frozenset(("key", "reverse")),
    }
)
"""Named arguments of Python's functions; those of a tensor (``dim`` and the like) belong to its methods."""

REFUSED_KEYWORDS = frozenset(("out", "generator", "layout", "names"))
"""Arguments that would write elsewhere, or reach another generator or memory layout."""


_GROWING_WORDS = """
tensor ones zeros full arange linspace logspace eye rand randn randint randperm normal new_zeros new_ones new_full
tile repeat repeat_interleave expand broadcast_to broadcast_tensors diag diag_embed tensor_split chunk split unflatten
rot90 unfold fold cat concat concatenate stack hstack vstack dstack column_stack meshgrid multinomial quantile conv1d
conv2d conv_transpose1d conv_transpose2d lp_pool1d lp_pool2d adaptive_avg_pool1d adaptive_avg_pool2d
adaptive_max_pool1d adaptive_max_pool2d max_pool1d max_pool2d avg_pool1d avg_pool2d max_unpool1d max_unpool2d
interpolate pixel_shuffle pixel_unshuffle pad grid_sample affine_grid one_hot embedding svd qr pinv multi_dot
pad_sequence
"""
GROWING = frozenset(_GROWING_WORDS.split())
_RANDOM_WORDS = """
rand randn randint randperm normal bernoulli multinomial rand_like randn_like dropout dropout1d dropout2d
alpha_dropout normal_ uniform_ bernoulli_ scaled_dot_product_attention gumbel_softmax
"""
RANDOM = frozenset(_RANDOM_WORDS.split())


def _words(path: str, home: Any, names: list[str], *, shape_options: bool = False) -> dict[str, Any]:
    is_initial = path in ("nn", "nn.init")
    return {
        name: Word(
            f"{path}.{name}",
            getattr(home, name),
            shape_options=shape_options,
            grows=name in GROWING or path == "nn",
            is_random=name in RANDOM or is_initial,
        )
        for name in names
    }


def _namespace(path: str, words: dict[str, Any]) -> Namespace:
    return Namespace(path, MappingProxyType(words))


FUNCTIONAL = _namespace("F", _words("F", F, _FUNCTIONAL_WORDS.split(), shape_options=True))
NN = _namespace(
    "nn",
    {
        **_words("nn", nn, _MODULES_WORDS.split(), shape_options=True),
        "Parameter": Word("nn.Parameter", nn.Parameter),
        "Module": Word("nn.Module", nn.Module),
        "ModuleList": Word("nn.ModuleList", nn.ModuleList),
        "ParameterList": Word("nn.ParameterList", nn.ParameterList),
        "ModuleDict": Word("nn.ModuleDict", nn.ModuleDict),
        "utils": _namespace(
            "nn.utils",
            {
                **_words("nn.utils", nn.utils, _NN_UTILS.split()),
                "rnn": _namespace("nn.utils.rnn", _words("nn.utils.rnn", nn.utils.rnn, ["pad_sequence"])),
            },
        ),
        "functional": FUNCTIONAL,
        "init": _namespace("nn.init", _words("nn.init", nn.init, _INIT_WORDS.split())),
    },
)


def hessian(function: Callable[..., Any], argnums: int = 0) -> Callable[..., Any]:
    """``torch.func.hessian`` by two backward passes: forward mode would first load torch's compiler for a second."""
    return torch.func.jacrev(torch.func.jacrev(function, argnums), argnums)


_TRANSFORMS = ("grad", "grad_and_value", "vjp", "jacrev", "vmap", "functional_call")
FUNC = _namespace(
    "torch.func",
    {
        **{name: Word(f"torch.func.{name}", getattr(torch.func, name)) for name in _TRANSFORMS},
        "jacfwd": Word("torch.func.jacfwd", torch.func.jacrev),
        "hessian": Word("torch.func.hessian", hessian),
    },
)


def assert_close(actual: Any, expected: Any, *, rtol: float | None = None, atol: float | None = None) -> None:
    """``torch.testing.assert_close``, which would import numpy's and torch's test tools."""
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol)


DATA = _namespace(
    "torch.utils.data",
    {
        "TensorDataset": Word("torch.utils.data.TensorDataset", datasets.Dataset.of_tensors),
        "DataLoader": Word("torch.utils.data.DataLoader", datasets.DataLoader),
        "Dataset": Word("torch.utils.data.Dataset", object),
        "random_split": Word("torch.utils.data.random_split", datasets.random_split),
    },
)


def _word(path: str, function: Callable[..., Any]) -> Word:
    return Word(path, function)


_FUNCTIONALS = ("jacobian", "hessian", "vjp", "jvp", "hvp", "vhp")
AUTOGRAD = _namespace(
    "torch.autograd",
    {
        "grad": _word("torch.autograd.grad", torch.autograd.grad),
        "backward": _word("torch.autograd.backward", torch.autograd.backward),
        "gradcheck": _word("torch.autograd.gradcheck", torch.autograd.gradcheck),
        "Function": _word("torch.autograd.Function", torch.autograd.Function),
        "function": _namespace(
            "torch.autograd.function",
            {
                "Function": _word("torch.autograd.Function", torch.autograd.Function),
                "once_differentiable": _word("torch.autograd.function.once_differentiable", lambda function: function),
            },
        ),
        "graph": _namespace(
            "torch.autograd.graph",
            {
                "saved_tensors_hooks": _word(
                    "torch.autograd.graph.saved_tensors_hooks", torch.autograd.graph.saved_tensors_hooks
                )
            },
        ),
        "Variable": _word("torch.autograd.Variable", lambda tensor, requires_grad=None: tensor),
        "functional": _namespace(
            "torch.autograd.functional",
            {
                name: _word(f"torch.autograd.functional.{name}", getattr(torch.autograd.functional, name))
                for name in _FUNCTIONALS
            },
        ),
        **{
            name: _word(f"torch.{name}", getattr(torch, name))
            for name in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode")
        },
        **{
            name: _word(f"torch.autograd.{name}", getattr(torch.autograd, name))
            for name in ("set_detect_anomaly", "detect_anomaly")
        },
    },
)
_TENSOR_TYPES = {
    "Tensor": torch.float32,
    "FloatTensor": torch.float32,
    "DoubleTensor": torch.float64,
    "LongTensor": torch.int64,
    "IntTensor": torch.int32,
    "BoolTensor": torch.bool,
}


def tensor_of_type(dtype: torch.dtype, *args: Any) -> torch.Tensor:
    """``torch.FloatTensor(…)`` and its kin: of values, or of sizes; what torch would leave unset is zero here."""
    if len(args) == 1 and isinstance(args[0], torch.Tensor):
        return args[0].to(dtype)
    if args and all(isinstance(value, int) and not isinstance(value, bool) for value in args):
        return torch.zeros(*args, dtype=dtype)
    if not args:
        return torch.zeros(0, dtype=dtype)
    (values,) = args
    if isinstance(values, torch.Size):
        return torch.zeros(values, dtype=dtype)
    return torch.tensor(values, dtype=dtype)


TENSOR_TYPES: MappingProxyType[str, torch.dtype] = MappingProxyType(
    {f"torch.{name}": dtype for name, dtype in _TENSOR_TYPES.items()}
)
"""The old constructors by type, and the dtype of what they make."""
TORCH = _namespace(
    "torch",
    {
        **_words("torch", torch, _TORCH_WORDS.split()),
        **{name: getattr(torch, name) for name in _DTYPES_WORDS.split()},
        **{name: getattr(math, name) for name in ("pi", "e", "inf", "nan")},
        **{
            name: _word(f"torch.{name}", getattr(torch, name))
            for name in ("no_grad", "enable_grad", "set_grad_enabled", "inference_mode", "manual_seed")
        },
        **{name: Word(f"torch.{name}", getattr(torch, name)) for name in _TENSOR_TYPES},
        "empty": Word("torch.empty", torch.zeros, grows=True),
        "empty_like": Word("torch.empty_like", torch.zeros_like),
        "set_printoptions": Word("torch.set_printoptions", torch.set_printoptions),
        "get_default_dtype": Word("torch.get_default_dtype", lambda: torch.float32),
        "set_default_dtype": Word("torch.set_default_dtype", lambda dtype: None),
        "testing": _namespace("torch.testing", {"assert_close": Word("torch.testing.assert_close", assert_close)}),
        "func": FUNC,
        "vmap": FUNC.words["vmap"],
        "newaxis": None,
        "__version__": str(torch.__version__),
        "Size": Word("torch.Size", torch.Size),
        "device": Word("torch.device", torch.device),
        "dtype": Word("torch.dtype", torch.dtype),
        "cuda": _namespace(
            "torch.cuda",
            {
                "is_available": Word("torch.cuda.is_available", lambda: False),
                "device_count": Word("torch.cuda.device_count", lambda: 0),
                "manual_seed": Word("torch.cuda.manual_seed", lambda seed: None),
                "manual_seed_all": Word("torch.cuda.manual_seed_all", lambda seed: None),
            },
        ),
        "backends": _namespace(
            "torch.backends",
            {
                "cudnn": Silent("torch.backends.cudnn"),
                "mps": _namespace(
                    "torch.backends.mps", {"is_available": Word("torch.backends.mps.is_available", lambda: False)}
                ),
            },
        ),
        "nn": NN,
        "autograd": AUTOGRAD,
        "linalg": _namespace("torch.linalg", _words("torch.linalg", torch.linalg, _LINALG_WORDS.split())),
        "optim": OPTIM,
        "distributions": DISTRIBUTIONS,
        "utils": _namespace("torch.utils", {"data": DATA}),
        "random": _namespace("torch.random", {"manual_seed": _word("torch.manual_seed", torch.manual_seed)}),
    },
)
_MATH_WORDS = (
    "sqrt exp log log2 log10 sin cos tan asin acos atan atan2 sinh cosh tanh floor ceil isnan isinf pow fabs isclose "
    "hypot degrees radians"
)
MATH = _namespace(
    "math",
    {
        **{name: getattr(math, name) for name in ("pi", "e", "inf", "nan")},
        **_words("math", math, _MATH_WORDS.split()),
    },
)

NAMESPACES: MappingProxyType[str, Namespace] = MappingProxyType(
    {"torch": TORCH, "nn": NN, "F": FUNCTIONAL, "math": MATH}
)
"""The names that stand for torch, whether or not a program imports them."""

KNOWN_KEYWORDS = frozenset(
    """
    requires_grad dtype device dim dims keepdim retain_graph create_graph allow_unused gradient inputs grad_outputs
    reduction weight bias lr momentum weight_decay betas eps alpha nesterov dampening centered gamma step_size T_max
    in_features out_features in_channels out_channels kernel_size stride padding dilation groups size start end steps
    low high mean std p inplace set_to_none batch_size shuffle drop_last other input target value min max beta
    num_classes descending dim0 dim1 sep flush key reverse default num_embeddings embedding_dim negative_slope
    """.split()  # noqa: SIM905
)
"""Names of arguments that many functions have: the nearest one is offered for one that a function does not have."""
