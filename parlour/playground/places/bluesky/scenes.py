"""Scenes on Bluesky."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "roaming surprise",
        "en",
        "bluesky",
        opening=(Say("post", "@luma.example came home to a {amount} roaming bill. I had the travel pass!! 😤"),),
        waiting=(Say("again", "@luma.example anybody?", 80),),
        public=(
            (Say("again", "Sure: order {order}.", 15),),
            (Say("again", "Refund is there. Thank you, that was fast.", 25),),
        ),
        private=(
            (Say("private", "{phone}, travelled on the 3rd.", 15),),
            (Say("private", "You saved my month 💙", 20),),
        ),
    ),
    Scene(
        "esim no llega",
        "es",
        "bluesky",
        opening=(Say("post", "@luma.example llevo dos días esperando el código de la eSIM. ¿Hay alguien ahí?"),),
        waiting=(Say("delete", "", 150),),
        public=((Say("private", "Mi número es el {phone}.", 20),),),
        private=((Say("private", "Ya funciona, ¡gracias!", 20),),),
    ),
    Scene(
        "denwa bangou henkou",
        "ja",
        "bluesky",
        opening=(Say("private", "電話番号を変更したいのですが、アプリではできませんでした。"),),
        waiting=(Say("private", "お返事をお待ちしています。", 120),),
        private=(
            (Say("private", "{phone} です。よろしくお願いします。", 20),),
            (Say("private", "ありがとうございます!", 20),),
        ),
        weight=2,
    ),
)
