"""Every sentence that an error or a remark of this concept can be: what the catalogues translate."""

from typing import Final

from vizcore.autoregressive.baselines import NOT_A_DISTRIBUTION, TABLE_TOO_LARGE
from vizcore.autoregressive.classification import NO_EXAMPLE
from vizcore.autoregressive.dependencies import LEAK, NO_SUCH_PIXEL, ONE_PIXEL
from vizcore.autoregressive.likelihood import NO_MODEL, NO_PICTURE
from vizcore.autoregressive.orders import UNKNOWN_ORDER
from vizcore.autoregressive.sampling import CANCELLED, WRONG_COUNT, WRONG_TEMPERATURE
from vizcore.autoregressive.shipped import NOT_TRAINED, UNREADABLE
from vizcore.autoregressive.training import UNKNOWN_KIND
from vizcore.data import mnist
from vizcore.models import autoregressive

MESSAGES: Final = (
    *autoregressive.MESSAGES,
    *mnist.MESSAGES,
    CANCELLED,
    LEAK,
    NOT_A_DISTRIBUTION,
    NOT_TRAINED,
    NO_EXAMPLE,
    NO_MODEL,
    NO_PICTURE,
    NO_SUCH_PIXEL,
    ONE_PIXEL,
    TABLE_TOO_LARGE,
    UNKNOWN_KIND,
    UNKNOWN_ORDER,
    UNREADABLE,
    WRONG_COUNT,
    WRONG_TEMPERATURE,
)
