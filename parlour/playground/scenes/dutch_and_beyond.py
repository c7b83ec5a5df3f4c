"""Scenes in Dutch, Japanese and Arabic."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "pakket kwijt",
        "nl",
        "x",
        opening=(
            Say("tweet", "@LumaHelp mijn pakket {order} is volgens jullie bezorgd, maar ik heb niets ontvangen."),
        ),
        waiting=(
            Say("again", "@LumaHelp hallo? Iemand thuis?", 90),
            Say("again", "@LumaHelp belachelijk, ik wil mijn geld terug.", 240),
        ),
        public=(
            (Say("private", "Hoi, bestelnummer {order}, telefoon {phone}.", 20),),
            (Say("again", "@LumaHelp bedankt voor de hulp!", 20),),
        ),
        private=(
            (Say("private", "Nee, ook niet bij de buren.", 20),),
            (Say("private", "Top, dank je wel!", 20), Say("again", "@LumaHelp netjes opgelost 👌", 20)),
        ),
    ),
    Scene(
        "simkaart activeren",
        "nl",
        "facebook",
        opening=(Say("private", "Hallo, hoe activeer ik mijn nieuwe simkaart? De app geeft een foutmelding."),),
        waiting=(Say("private", "Ik zit nu zonder telefoon, dus graag snel.", 100),),
        private=((Say("private", "De code is {code}.", 15),), (Say("private", "Gelukt! Bedankt.", 15),)),
    ),
    Scene(
        "kaisen ga osoi",
        "ja",
        "x",
        opening=(Say("tweet", "@LumaHelp 昨日からインターネットがとても遅いです。いつ直りますか?"),),
        waiting=(Say("again", "@LumaHelp 返事がありません。困っています。", 110),),
        public=(
            (Say("again", "@LumaHelp 渋谷です。ルーターは再起動しました。", 20),),
            (Say("again", "@LumaHelp 直りました。ありがとうございます!", 20),),
        ),
        private=((Say("private", "電話番号は {phone} です。", 20),), (Say("private", "ありがとうございました。", 20),)),
        weight=2,
    ),
    Scene(
        "khidma munqati'a",
        "ar",
        "facebook",
        opening=(Say("private", "مرحبا، الخدمة مقطوعة عندي منذ الصباح. رقم العميل {code}"),),
        waiting=(Say("private", "هل من أحد هنا؟", 100),),
        private=(
            (Say("private", "نعم، أعدت تشغيل الجهاز مرتين.", 20),),
            (Say("private", "عادت الخدمة، شكرا جزيلا لكم!", 20),),
        ),
        weight=2,
    ),
)
