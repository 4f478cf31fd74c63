"""Every card again: the shipped weights on the validation scenes, from pixels to boxes."""

import pytest

from vizcore.training.cards import list_cards, load_card
from vizcore.training.shipping import judge, measure_milliseconds

TOLERANCE = 0.005


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [card.name for card in list_cards()])
def test_a_card_tells_the_truth(name: str):
    card = load_card(name)
    quality = judge(card)
    print(f"\n{name}: AP {quality.ap:.4f} (card {card.quality['ap']:.4f}), AP50 {quality.ap50:.4f}")
    print(f"{name}: {measure_milliseconds(card):.0f} ms a scene (card {card.milliseconds:.0f})")
    for figure, value in card.quality.items():
        assert getattr(quality, figure) == pytest.approx(value, abs=TOLERANCE), figure
