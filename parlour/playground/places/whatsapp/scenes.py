"""What WhatsApp's customers play."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "roaming by whatsapp",
        "en",
        "whatsapp",
        opening=(
            Say("private", "Hi! I'm in Norway for a week and my data stopped working this morning 😩"),
            Say("private", "Roaming is switched on, I checked twice. My number is {phone}", 12),
        ),
        waiting=(
            Say("private", "Anyone there? I need maps to find my cabin…", 90),
            Say("private", "It is getting dark here.", 240),
        ),
        private=(
            (Say("private", "Restarted, no change. It says Telenor and full bars.", 20),),
            (Say("private", "IT WORKS! You saved my evening, thank you ❤️", 20),),
        ),
    ),
    Scene(
        "entregador",
        "pt",
        "whatsapp",
        opening=(
            Say("private", "Boa tarde, o meu cartão SIM devia chegar hoje, encomenda {order}."),
            Say("private", "O estafeta diz que entregou, mas eu estive em casa o dia todo!", 15),
        ),
        waiting=(Say("private", "Preciso do número a funcionar até amanhã, por favor.", 120),),
        private=(
            (Say("private", "A morada está certa: Rua das Flores 12, 2.º esquerdo.", 25),),
            (Say("private", "Encontrei, estava com a vizinha. Desculpem o incómodo e obrigada!", 25),),
        ),
    ),
    Scene(
        "kündigung rückgängig",
        "de",
        "whatsapp",
        opening=(
            Say("private", "Hallo, ich habe gestern aus Versehen gekündigt. Kann man das noch stoppen?"),
            Say("private", "Kundennummer {code}", 8),
        ),
        waiting=(Say("private", "Bitte kurz Bescheid geben, ich will meine Nummer nicht verlieren.", 100),),
        private=(
            (Say("private", "Ja, bitte alles so lassen wie bisher.", 15),),
            (Say("private", "Super, danke euch!", 15),),
        ),
    ),
)
