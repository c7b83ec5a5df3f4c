"""Scenes in French, Spanish, Portuguese and Italian."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "colis en retard",
        "fr",
        "facebook",
        opening=(
            Say(
                "comment",
                "Bonjour, ma commande {order} devait arriver il y a une semaine et personne ne répond au téléphone !",
            ),
        ),
        waiting=(
            Say("again", "Il y a quelqu'un ??", 90),
            Say("again", "Service client inexistant, c'est honteux.", 240),
        ),
        public=(
            (Say("again", "Le numéro est {order}, livraison à Lyon.", 20),),
            (Say("again", "D'accord, merci pour votre réponse.", 20),),
        ),
        private=(
            (Say("private", "Merci. Commande {order}, téléphone {phone}.", 20),),
            (Say("private", "Parfait, merci beaucoup !", 20), Say("again", "Problème réglé, merci à l'équipe !", 20)),
        ),
    ),
    Scene(
        "pas de réseau",
        "fr",
        "x",
        opening=(Say("tweet", "@LumaHelp plus de réseau dans tout le quartier depuis ce matin. Une panne ?"),),
        waiting=(Say("again", "@LumaHelp toujours rien, ni réseau ni réponse 😡", 110),),
        public=(
            (Say("again", "@LumaHelp je suis à Nantes centre.", 15),),
            (Say("again", "@LumaHelp ça marche de nouveau, merci !", 25),),
        ),
        private=((Say("private", "Mon numéro : {phone}", 15),), (Say("private", "Merci, c'est réglé.", 20),)),
    ),
    Scene(
        "cobro doble",
        "es",
        "x",
        opening=(Say("tweet", "@LumaHelp me habéis cobrado {amount} dos veces este mes. ¡Quiero una solución ya!"),),
        waiting=(
            Say("again", "@LumaHelp ¿Hola? ¿Hay alguien?", 90),
            Say("again", "@LumaHelp voy a poner una reclamación. Vergonzoso.", 240),
        ),
        public=(
            (Say("private", "Hola, mi número de cliente es {code} y mi teléfono {phone}.", 20),),
            (Say("again", "@LumaHelp gracias, ya está resuelto.", 20),),
        ),
        private=(
            (Say("private", "El cargo es del día 2, {amount}. Tengo el extracto del banco.", 20),),
            (
                Say("private", "Perfecto, muchas gracias.", 20),
                Say("again", "@LumaHelp solucionado, ¡gracias por la rapidez!", 20),
            ),
        ),
    ),
    Scene(
        "duda sobre tarifa",
        "es",
        "facebook",
        opening=(Say("private", "Buenas tardes, ¿la tarifa Go M incluye llamadas a México?"),),
        waiting=(Say("private", "¿Hola? Quiero contratarla hoy.", 100),),
        private=((Say("private", "¿Y cuánto cuesta el minuto?", 15),), (Say("private", "Gracias, muy amable.", 15),)),
    ),
    Scene(
        "fatura errada",
        "pt",
        "facebook",
        opening=(Say("comment", "A minha fatura veio com {amount} de chamadas que eu nunca fiz. Isto é um roubo!"),),
        waiting=(Say("again", "Alguém responde??", 100),),
        public=((Say("again", "O número de cliente é {code}.", 20),), (Say("again", "Agradeço a ajuda.", 20),)),
        private=(
            (Say("private", "Boa tarde, cliente {code}, telefone {phone}.", 20),),
            (Say("private", "Ficou resolvido, agradeço muito!", 20),),
        ),
    ),
    Scene(
        "ordine sbagliato",
        "it",
        "facebook",
        opening=(
            Say("private", "Buongiorno, ho ricevuto un telefono diverso da quello che ho ordinato."),
            Say("private", "Ordine {order}. Come faccio a restituirlo?", 6),
        ),
        waiting=(Say("private", "C'è qualcuno? Sono passati tre giorni.", 100),),
        private=(
            (Say("private", "Sì, la scatola è ancora chiusa.", 15),),
            (Say("private", "Grazie mille, gentilissimi!", 15),),
        ),
    ),
    Scene(
        "app non funziona",
        "it",
        "x",
        opening=(Say("tweet", "@LumaHelp la vostra app si chiude da sola appena la apro. Aggiornata ieri."),),
        waiting=(Say("again", "@LumaHelp nessuno risponde, complimenti.", 110),),
        public=(
            (Say("again", "@LumaHelp Android 16, telefono nuovo.", 15),),
            (Say("again", "@LumaHelp reinstallata e ora va. Grazie!", 20),),
        ),
    ),
)
