"""Scenes on Reddit."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "router of doom",
        "en",
        "reddit",
        opening=(
            Say(
                "post",
                "PSA: the Luma Go drops the line every night at 2 am\n\nThird router already, u/LumaHelp. Anyone else?",
            ),
        ),
        waiting=(Say("edit", "Third router already, u/LumaHelp. Anyone else?\n\nEDIT: it is firmware 4.1.", 90),),
        public=(
            (Say("again", "Firmware 4.1, and the order is {order}.", 20),),
            (Say("again", "Update fixed it. Respect for answering here!", 30),),
        ),
        private=((Say("private", "Sure, it is {phone}.", 15),), (Say("private", "All good now, thanks.", 20),)),
    ),
    Scene(
        "reddit frage",
        "de",
        "reddit",
        opening=(
            Say("post", "Kann man bei Luma die Rufnummer mitnehmen?\n\nHat das schon mal jemand gemacht, u/LumaHelp?"),
        ),
        waiting=(Say("delete", "", 160),),
        public=((Say("again", "Super, danke für die schnelle Antwort!", 20),),),
        weight=2,
    ),
    Scene(
        "modmail de otra época",
        "es",
        "reddit",
        opening=(Say("private", "Hola, mods: me han cobrado {amount} de más y no encuentro dónde reclamar."),),
        waiting=(Say("private", "¿Alguna novedad?", 110),),
        private=(
            (Say("private", "Pedido {order}, a nombre mío.", 20),),
            (Say("private", "¡Resuelto, mil gracias!", 20),),
        ),
        weight=2,
    ),
)
