"""What happens on Instagram."""

from __future__ import annotations

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "scratched in the box",
        "en",
        "instagram",
        opening=(Say("comment", "Looks great in the picture. Mine came out of the box with a scratch 🙄"),),
        waiting=(Say("again", "Three days and no answer. Nice filter though.", 120),),
        public=((Say("again", "ok, I'll write to you", 20), Say("private", "Hi, it's about order {order}", 15)),),
        private=(
            (Say("private", "The scratch is right above the camera. Can I swap it in a shop?", 20),),
            (Say("private", "Perfect, thank you 🙏", 15), Say("again", "Sorted within the hour, respect.", 30)),
        ),
    ),
    Scene(
        "tela preta",
        "pt",
        "instagram",
        opening=(Say("private", "Boa tarde! O meu Luma 5 ficou com a tela preta depois da atualização 😭"),),
        waiting=(Say("private", "Alguém aí? Preciso do celular para trabalhar.", 90),),
        private=(
            (Say("private", "Já tentei reiniciar duas vezes, pedido {order}", 20),),
            (Say("private", "Funcionou!! Muito obrigada ❤️", 25),),
        ),
    ),
    Scene(
        "gewinnspiel betrug",
        "de",
        "instagram",
        opening=(
            Say(
                "comment",
                "Ein Konto mit eurem Logo schreibt mir, ich hätte ein Handy gewonnen und soll {amount} zahlen.",
            ),
        ),
        waiting=(Say("again", "@luma.phones seid ihr das?", 60),),
        public=((Say("again", "Danke, habe ich gemeldet und blockiert.", 20),),),
        private=((Say("private", "Der Link war luma-gewinn.example, Screenshot kommt.", 20),),),
    ),
)
