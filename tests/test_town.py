"""The town itself: a customer's words in through the door, an answer out to the stand-in."""

from __future__ import annotations

from parlour.cases.models import Case, DeliveryState, Message
from tests.town import Town


def test_words_come_in_and_an_answer_goes_out(town: Town) -> None:
    town.connect("messenger", handshake=True)
    town.stand.say_private("Ana", "Where is my parcel?")
    assert town.drive() == 1
    case = Case.objects.get()
    assert Message.objects.get().text == "Where is my parcel?"
    ours = town.answer(case, "On its way.")
    assert [line.text for line in town.stand.graph.sent] == ["On its way."]
    town.drive()
    assert town.delivery(ours).state in {DeliveryState.SENT, DeliveryState.DELIVERED, DeliveryState.READ}
    assert Message.objects.count() == 2
