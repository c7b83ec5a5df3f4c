"""What the cast does on Telegram."""

from __future__ import annotations

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "telegram sem sinal",
        "pt",
        "telegram",
        opening=(
            Say("private", "/start"),
            Say("private", "Boa tarde! Estou sem rede desde ontem à noite, nem chamadas nem dados 😩", 12),
        ),
        waiting=(Say("private", "Está aí alguém? Preciso do telefone para trabalhar.", 120),),
        private=(
            (Say("private", "O número é {phone}, código de cliente {code}. Moro em Matosinhos.", 20),),
            (Say("private", "Reiniciei e já voltou. Muito obrigado! 🙏", 35),),
        ),
    ),
    Scene(
        "telegram group outage",
        "en",
        "telegram",
        opening=(Say("post", "@LumaHelpBot is anything broken around the harbour? Three of us here have no 5G."),),
        waiting=(Say("again", "@LumaHelpBot still nothing here. Anyone?", 150),),
        public=(
            (Say("again", "@LumaHelpBot postcode is 4450, started around noon.", 20),),
            (Say("again", "@LumaHelpBot back at full speed, thanks for the quick look!", 30),),
        ),
        private=((Say("private", "My number is {phone}", 15),), (Say("private", "Perfect, that did it.", 20),)),
    ),
    Scene(
        "telegram tarjeta sim",
        "es",
        "telegram",
        opening=(
            Say("private", "Hola, pedí una eSIM (pedido {order}) y el código QR no funciona."),
            Say("private", "Me sale «código ya utilizado» 🤷", 8),
        ),
        waiting=(Say("private", "¿Alguna novedad con el pedido {order}?", 180),),
        private=(
            (Say("private", "Es un Pixel 9. El código que me llegó acaba en {code}.", 20),),
            (Say("private", "¡Ahora sí! Gracias, sois unos cracks.", 25),),
        ),
    ),
)
