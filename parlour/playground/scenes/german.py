"""Scenes in German."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "rechnung doppelt",
        "de",
        "facebook",
        opening=(
            Say("post", "Ihr habt mir diesen Monat {amount} doppelt abgebucht! Was soll das? Ich bin stinksauer."),
        ),
        waiting=(
            Say("again", "Hallo?? Ist da jemand?", 90),
            Say("again", "Ich lasse die Abbuchung jetzt von der Bank zurückholen.", 240),
        ),
        public=(
            (Say("again", "Kundennummer {code}. Mehr schreibe ich hier nicht öffentlich.", 20),),
            (Say("again", "Danke, das ging ja schnell.", 20),),
        ),
        private=(
            (Say("private", "Guten Tag, Kundennummer {code}, abgebucht am 1. und am 3. des Monats.", 20),),
            (
                Say("private", "Das Geld ist wieder da. Vielen Dank!", 20),
                Say("again", "Wurde sofort erledigt, danke an das Team!", 20),
            ),
        ),
    ),
    Scene(
        "internet sehr langsam",
        "de",
        "x",
        opening=(
            Say(
                "tweet", "@LumaHelp seit gestern kommen von 100 Mbit nur noch 3 an. Router schon zweimal neu gestartet."
            ),
        ),
        waiting=(Say("again", "@LumaHelp keine Antwort ist auch eine Antwort …", 100),),
        public=(
            (Say("again", "@LumaHelp Postleitzahl 04109, Gerät ist der Luma Go.", 15),),
            (Say("again", "@LumaHelp läuft wieder mit voller Geschwindigkeit, danke!", 25),),
        ),
        private=(
            (Say("private", "Meine Nummer ist {phone}, Kundennummer {code}.", 15),),
            (Say("private", "Super, danke für die Hilfe!", 20),),
        ),
    ),
    Scene(
        "kündigung bestätigen",
        "de",
        "facebook",
        opening=(
            Say("private", "Guten Tag, ich habe am 12. gekündigt und keine Bestätigung erhalten."),
            Say("private", "Vertragsnummer {code}", 5),
        ),
        waiting=(Say("private", "Bitte um kurze Rückmeldung, die Frist läuft morgen ab.", 100),),
        private=(
            (Say("private", "Ja, genau, per Einschreiben.", 15),),
            (Say("private", "Vielen Dank, dann ist alles klar.", 15),),
        ),
    ),
    Scene(
        "lob für die hotline",
        "de",
        "x",
        opening=(
            Say("tweet", "Ein Lob an @LumaHelp: nach zwei Minuten einen Menschen am Telefon, der Ahnung hat. 👍"),
        ),
        weight=2,
    ),
)
