"""What the pretend brand has decided, so that the pages of policy have something to show. Made once, with the brand."""

from __future__ import annotations

from parlour.channels.models import Brand
from parlour.playground.wires import BRAND
from parlour.policy.moderation import actions as moderation
from parlour.policy.rules import actions as rules
from parlour.policy.rules.examples import EXAMPLES
from parlour.staff import actions as staff
from parlour.staff.models import Agent, Team
from parlour.understanding import categories

RETURNS = """How do I send my phone back?
I want to return the headphones, they do not fit.
Where is the label for my return?
Ich möchte mein Handy zurückschicken.
Comment renvoyer mon casque ?"""
ADVERTS = """casino*
buy followers
*crypto*
earn money from home"""
PEOPLE = {
    "mina@parlour.local": (["en", "nl", "fr"], {}),
    "jonas@parlour.local": (["en", "de"], {"refunds": 3}),
}


def set_up() -> None:
    """Categories, words, rules, languages and a team for happy customers. Call it when the brand is new: nothing is asked twice."""
    brand = Brand.objects.get(name=BRAND)
    categories.add_category(brand.pk, "Returns", parent="product", examples=RETURNS, by=None)
    given = {"name": "Adverts", "action": "hold", "words": ADVERTS}
    moderation.save_list(None, given, by=None)
    measures = {"templates": ["AA-99999"], "hide_personal": True, "hide_kinds": ["card", "iban"], "recognise": True}
    moderation.save_measures(brand.pk, measures, by=None)
    for example in EXAMPLES[:2]:
        rules.save(example, by=None)
    staff.set_up_team("Fans", [])
    Team.objects.filter(name="Fans").update(purposes=["delight"])
    for email, (languages, skills) in PEOPLE.items():
        Agent.objects.filter(email=email).update(languages=languages, skills=staff.checked_skills(skills))
