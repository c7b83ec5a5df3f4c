"""Who plays: names of customers by language, and the numbers they quote."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from parlour.playground.scenes.script import Scene

NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        ("Maya", "Oliver", "Grace", "Tom", "Priya", "Callum", "Ruth", "Jamal", "Erin", "Neil"),
        ("Okafor", "Bennett", "Doyle", "Marsh", "Nair", "Whitlock", "Adeyemi", "Quinn", "Fraser", "Holt"),
    ),
    "de": (
        ("Jana", "Torsten", "Aylin", "Matthias", "Heike", "Lukas"),
        ("Brandt", "Yildiz", "Krüger", "Voß", "Seidel", "Huber"),
    ),
    "fr": (
        ("Camille", "Antoine", "Inès", "Mathieu", "Léa", "Karim"),
        ("Moreau", "Lefèvre", "Benali", "Girard", "Caron", "Petit"),
    ),
    "es": (
        ("Lucía", "Álvaro", "Carmen", "Diego", "Nerea", "Pablo"),
        ("Ortega", "Iglesias", "Vidal", "Santos", "Peña", "Rubio"),
    ),
    "pt": (
        ("Beatriz", "Tiago", "Inês", "Rui", "Joana", "Nuno"),
        ("Carvalho", "Lopes", "Teixeira", "Moura", "Pires", "Matos"),
    ),
    "it": (
        ("Giulia", "Marco", "Elisa", "Davide", "Chiara", "Paolo"),
        ("Conti", "Ferrara", "Greco", "Riva", "Fontana", "Serra"),
    ),
    "nl": (
        ("Sanne", "Daan", "Fleur", "Bram", "Noor", "Jeroen"),
        ("de Wit", "Bakker", "Vos", "van Dijk", "Kuipers", "Postma"),
    ),
    "ja": (("美咲", "健太", "由美", "大輔"), ("佐藤", "高橋", "中村", "小川")),
    "ar": (("ليلى", "عمر", "هدى", "سامي"), ("حداد", "منصور", "الخطيب", "نجار")),
}
"""First and last names. Everybody is invented."""


@dataclass(slots=True, eq=False)
class Actor:
    """One customer in one scene, and what the customer remembers."""

    number: int
    name: str
    scene: Scene
    numbers: dict[str, str]
    followers: int
    answered: bool = False
    heard_public: int = 0
    heard_private: int = 0
    memory: dict[str, str] = field(default_factory=dict)
    """Ids on the platform, for whoever performs: the person, the latest words, the latest answer."""

    def words(self, text: str) -> str:
        """``text`` with the customer's own numbers in it."""
        for name, value in self.numbers.items():
            text = text.replace("{" + name + "}", value)
        return text


def cast(scene: Scene, number: int, rng: random.Random) -> Actor:
    """A fresh customer for ``scene``; the same ``rng`` state gives the same customer."""
    first, last = NAMES[scene.language]
    one, other = rng.choice(first), rng.choice(last)
    name = f"{other} {one}" if scene.language == "ja" else f"{one} {other}"
    numbers = {
        "order": f"LM-{rng.randrange(10_000, 99_999)}",
        "phone": f"0155 501 {rng.randrange(1000, 9999)}",
        "code": f"{rng.randrange(100_000, 999_999)}",
        "amount": f"{rng.randrange(12, 89)},{rng.randrange(10, 99)} €",
    }
    if scene.language == "en":
        numbers["amount"] = "€" + numbers["amount"].removesuffix(" €").replace(",", ".")
    followers = int(10 ** rng.uniform(1, 3.2)) if rng.random() < 0.9 else int(10 ** rng.uniform(4, 5.5))
    return Actor(number, name, scene, numbers, followers)
