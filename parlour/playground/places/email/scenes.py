"""What customers write by mail: longer than elsewhere, with a subject in the first line."""

from __future__ import annotations

from parlour.playground.scenes.script import Say, Scene

SCENES: tuple[Scene, ...] = (
    Scene(
        "contract cancellation by mail",
        "en",
        "email",
        (
            Say(
                "private",
                "Cancellation of my contract {order}\n\nDear Luma team,\n\nI moved abroad last month and would like to end my contract "
                "{order} at the earliest date possible. My number is {phone}.\n\nPlease confirm in writing, with the date on which it ends. "
                "I do not want a call about offers.\n\nKind regards",
            ),
        ),
        waiting=(
            Say(
                "private",
                "Cancellation, second letter\n\nIt has been days and I have heard nothing. Did my mail reach you?",
                240,
            ),
        ),
        private=(
            (
                Say(
                    "private", "Thank you, that is all I needed. One more thing: do I have to send the router back?", 60
                ),
            ),
            (Say("private", "Perfect, thanks for the quick help!", 45),),
        ),
    ),
    Scene(
        "rechnung per mail",
        "de",
        "email",
        (
            Say(
                "private",
                "Rechnung vom Oktober stimmt nicht\n\nGuten Tag,\n\nauf der letzten Rechnung stehen {amount} für „Drittanbieter“. Ich habe "
                "nichts bestellt. Bitte erklären Sie mir den Posten und schreiben Sie den Betrag gut.\n\nKundennummer {order}\n\nMit "
                "freundlichen Grüßen",
            ),
        ),
        waiting=(
            Say(
                "private",
                "Erinnerung: Rechnung vom Oktober\n\nich warte noch auf eine Antwort. Morgen wird abgebucht!",
                200,
            ),
        ),
        private=(
            (Say("private", "Danke. Wie sperre ich solche Drittanbieter für die Zukunft?", 70),),
            (Say("private", "Super, hat geklappt. Schönen Tag noch!", 60),),
        ),
    ),
    Scene(
        "facture pour mon employeur",
        "fr",
        "email",
        (
            Say(
                "private",
                "Duplicata de facture\n\nBonjour,\n\nmon employeur me demande les factures d'août et de septembre pour la ligne {phone}, mais "
                "l'espace client affiche une erreur depuis hier. Pouvez-vous me les envoyer par retour de mail ?\n\nCordialement",
            ),
        ),
        private=((Say("private", "Bien reçu, merci beaucoup !", 50),),),
        weight=2,
    ),
)
