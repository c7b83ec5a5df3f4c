"""Scenes in English."""

from parlour.playground.scenes.script import Say, Scene

SCENES = (
    Scene(
        "no signal since morning",
        "en",
        "x",
        opening=(
            Say(
                "tweet", "@LumaHelp no signal at all since 7 this morning. I work from home, this is costing me money!"
            ),
        ),
        waiting=(
            Say("again", "@LumaHelp Hello?? Anybody there?", 90),
            Say("again", "@LumaHelp Still nothing. Two hours and not one word. I am going to another provider.", 240),
        ),
        public=(
            (Say("private", "Hi, you asked for my details. My number is {phone}, account {code}.", 20),),
            (Say("again", "@LumaHelp it works again, thank you for the quick help!", 25),),
        ),
        private=(
            (Say("private", "I restarted it twice already. Bars are back, but still no data.", 25),),
            (
                Say("private", "That did it! Everything is back.", 25),
                Say("again", "@LumaHelp sorted, thanks a lot. Great service after all 👏", 20),
            ),
        ),
    ),
    Scene(
        "lost parcel",
        "en",
        "facebook",
        opening=(
            Say(
                "comment",
                "Where is my phone? Order {order} was promised for Monday and the tracking has not moved for 6 days.",
            ),
        ),
        waiting=(
            Say("again", "Hello?? Is anybody reading this?", 100),
            Say("again", "Unbelievable. I want my money back.", 260),
        ),
        public=(
            (Say("again", "Order number is {order}, as I wrote above. It was paid on the 3rd.", 20),),
            (Say("again", "OK, thank you. I will wait until Friday then.", 25),),
        ),
        private=(
            (Say("private", "Thanks for writing. Order {order}, my phone number is {phone}.", 20),),
            (
                Say("private", "Perfect, that works for me. Thank you!", 20),
                Say("again", "They found my parcel and sent a new one. Thank you Luma team!", 25),
            ),
        ),
    ),
    Scene(
        "praise for the shop",
        "en",
        "facebook",
        opening=(
            Say(
                "post",
                "Just want to say: the man in your Harbour Street shop was fantastic. Moved it all to my new phone in ten minutes. ❤️",
            ),
        ),
        public=((Say("again", "You are welcome, he deserves it!", 15),),),
        weight=2,
    ),
    Scene(
        "locked out",
        "en",
        "facebook",
        opening=(
            Say("private", "hi, i cant log in to my account, it says wrong password but i just changed it"),
            Say("private", "my user name is the e-mail address", 4),
        ),
        waiting=(
            Say("private", "hello? i need to top up today", 80),
            Say("private", "ok nobody there. very disappointing", 220),
        ),
        private=(
            (Say("private", "yes i got the code, {code}, but the page says it has expired", 15),),
            (Say("private", "now it works! thanks so much 🙂", 15),),
        ),
    ),
    Scene(
        "website crash",
        "en",
        "x",
        opening=(
            Say("tweet", "@LumaHelp your checkout page throws error 500 every time I press Pay. Tried three browsers."),
        ),
        waiting=(
            Say("again", "@LumaHelp and now my card was charged {amount} without an order number. Seriously?", 100),
        ),
        public=(
            (
                Say(
                    "again",
                    "@LumaHelp Firefox on Windows, but the same on my phone. Basket holds one Luma Go router.",
                    15,
                ),
            ),
            (Say("again", "@LumaHelp just went through. Cheers!", 20),),
        ),
        private=(
            (Say("private", "Sure: {order}, charged {amount} this morning.", 15),),
            (Say("private", "Refund is there, thank you.", 20),),
        ),
    ),
    Scene(
        "spam prize",
        "en",
        "facebook",
        opening=(
            Say("comment", "CONGRATULATIONS!!! You are selected to win a FREE phone, click bit.example/win-now 🎁🎁🎁"),
        ),
        weight=2,
    ),
    Scene(
        "roaming question",
        "en",
        "facebook",
        opening=(
            Say(
                "private", "Good morning! Is roaming in Switzerland included in the Luma Go M plan, or do I pay extra?"
            ),
        ),
        waiting=(Say("private", "Sorry to ask again, my train leaves in an hour.", 110),),
        private=(
            (Say("private", "Great, and how do I switch it on?", 15),),
            (Say("private", "Found it. Thank you and have a nice day!", 15),),
        ),
    ),
    Scene(
        "price rise",
        "en",
        "x",
        opening=(
            Say(
                "tweet",
                "So @LumaHelp puts my plan up by {amount} a month with a text message and no explanation. Loyal customer for 9 years.",
            ),
        ),
        waiting=(Say("again", "@LumaHelp silence. As expected.", 120),),
        public=(
            (Say("again", "@LumaHelp I did not agree to that. How do I cancel?", 20),),
            (Say("again", "@LumaHelp fine, that is fair. Thanks for explaining.", 25),),
        ),
        private=(
            (Say("private", "My number is {phone}. I want the old price or I leave.", 20),),
            (Say("private", "Deal. Thank you.", 20),),
        ),
    ),
    Scene(
        "said in anger",
        "en",
        "facebook",
        opening=(
            Say("comment", "You are all liars and thieves. Third technician who did not show up!!!"),
            Say("edit", "Third technician appointment and again nobody showed up. I took a day off for this.", 40),
        ),
        waiting=(Say("again", "No answer either. Of course.", 90),),
        public=(
            (Say("again", "It was today between 8 and 12. Reference {code}.", 20),),
            (Say("again", "Tomorrow at 9 is fine. Thanks.", 20),),
        ),
        private=(
            (Say("private", "Reference is {code}, street and number you have.", 20),),
            (Say("private", "Thank you, see you tomorrow.", 20),),
        ),
    ),
    Scene(
        "number posted by mistake",
        "en",
        "facebook",
        opening=(
            Say("comment", "Please call me back about my contract, my number is {phone}"),
            Say("delete", "", 35),
            Say(
                "private",
                "I deleted my comment, should not have posted my number there. Can you call me about my contract?",
                15,
            ),
        ),
        private=((Say("private", "After 5 pm please. {phone}", 15),), (Say("private", "Thank you!", 15),)),
        weight=2,
    ),
    Scene(
        "does it fit",
        "en",
        "x",
        opening=(Say("tweet", "@LumaHelp does the Luma Go router work with an eSIM, or only with the plastic card?"),),
        public=((Say("again", "@LumaHelp brilliant, ordering one now.", 20),),),
        weight=2,
    ),
    Scene(
        "just a mention",
        "en",
        "x",
        opening=(Say("tweet", "Concert was amazing tonight, 20,000 people and @LumaHelp still had 5G. Wow."),),
        weight=2,
    ),
)
