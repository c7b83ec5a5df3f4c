"""What the cast does on the forum."""

from __future__ import annotations

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "forum router firmware",
        "de",
        "discourse",
        opening=(
            Say(
                "post",
                "Seit dem Update auf 7.4 startet meine Luma Box alle paar Stunden neu. Hat das noch jemand? "
                "Werkseinstellungen habe ich schon probiert.",
            ),
        ),
        waiting=(Say("again", "Nachtrag: heute schon viermal. Liest hier jemand von Luma mit?", 160),),
        public=(
            (Say("again", "Danke für die schnelle Antwort! Es ist die Box 3 mit der Seriennummer {code}.", 25),),
            (Say("again", "Mit der neuen Firmware läuft sie jetzt seit einer Stunde durch. Super, danke!", 40),),
        ),
        private=((Say("private", "Meine Kundennummer ist {code}, Telefon {phone}.", 20),),),
    ),
    Scene(
        "forum number transfer",
        "en",
        "discourse",
        opening=(
            Say(
                "post",
                "How long does moving my number to Luma take? Order {order} says 'pending' since Monday and my old "
                "provider says everything is ready on their side.",
            ),
        ),
        waiting=(
            Say("edit", "How long does moving my number to Luma take? Order {order} is 'pending' since Monday.", 90),
        ),
        public=((Say("again", "Sure, please send me a private message and I'll give you the details.", 20),),),
        private=(
            (Say("private", "Here you go: order {order}, the number is {phone}.", 20),),
            (Say("private", "It works! The number arrived an hour ago. Thank you so much.", 35),),
        ),
    ),
    Scene(
        "forum facture",
        "fr",
        "discourse",
        opening=(
            Say("private", "Bonjour, ma facture de ce mois est de {amount} au lieu de 19,99 €. Pouvez-vous regarder ?"),
        ),
        waiting=(Say("private", "Je n'ai toujours pas de réponse, et le prélèvement est demain…", 200),),
        private=(
            (Say("private", "Mon numéro de client est le {code}. Je n'ai pris aucune option.", 20),),
            (Say("private", "Parfait, merci pour le remboursement et pour votre patience.", 30),),
        ),
    ),
)
