"""Scenes on Mastodon."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "fediverse outage",
        "en",
        "mastodon",
        opening=(Say("post", "@luma no signal in the whole valley since 6 am. Is there a status page that works?"),),
        waiting=(Say("again", "@luma still nothing. My neighbours say the same.", 90),),
        public=(
            (Say("again", "@luma post code 04109, and it is an old Luma Go.", 20),),
            (Say("again", "@luma back again, thank you!", 25),),
        ),
        private=((Say("private", "My number is {phone}.", 15),), (Say("private", "Thanks, that was quick.", 20),)),
    ),
    Scene(
        "tröt vertragsende",
        "de",
        "mastodon",
        opening=(Say("post", "@luma Mein Vertrag endet am 30. und im Konto steht noch immer 'aktiv'. #luma"),),
        waiting=(
            Say(
                "edit",
                "@luma Mein Vertrag endet am 30., im Konto steht noch immer 'aktiv'. Bitte um Antwort! #luma",
                70,
            ),
        ),
        public=((Say("private", "Kundennummer {code}, bitte nicht öffentlich.", 15),),),
        private=((Say("private", "Die Bestätigung ist da, danke!", 20),),),
    ),
    Scene(
        "factuur in het engels",
        "nl",
        "mastodon",
        opening=(Say("private", "@luma Waarom is mijn factuur ineens in het Engels? Bestelling {order}."),),
        waiting=(Say("private", "@luma Hallo?", 120),),
        private=((Say("private", "@luma Dank je, nu klopt het.", 20),),),
        weight=2,
    ),
)
