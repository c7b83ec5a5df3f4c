"""What the model answers: its outputs, in the order of the columns of the weights."""

from typing import Final, Literal

Sentiment = Literal["negative", "neutral", "positive"]

SENTIMENTS: Final[tuple[Sentiment, ...]] = ("negative", "neutral", "positive")
CATEGORIES: Final = ("product", "website", "technical", "billing", "delivery", "account", "other")
CATEGORY_NAMES: Final[dict[str, str]] = {
    "product": "Product",
    "website": "Website",
    "technical": "Technical",
    "billing": "Billing",
    "delivery": "Delivery",
    "account": "Account",
    "other": "Other",
}

SENTIMENT_COLUMNS: Final = slice(0, 3)
CATEGORY_COLUMNS: Final = slice(3, 10)
URGENCY_COLUMN: Final = 10
ACTIONABLE_COLUMN: Final = 11
OUTPUTS: Final = 12
