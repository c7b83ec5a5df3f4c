"""What the model answers: its outputs, in the order of the columns of the weights."""

from typing import Final, Literal

Sentiment = Literal["negative", "neutral", "positive"]
Intent = Literal["question", "complaint", "request", "praise", "purchase", "cancellation", "other"]

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
INTENTS: Final[tuple[Intent, ...]] = (
    "question",
    "complaint",
    "request",
    "praise",
    "purchase",
    "cancellation",
    "other",
)
INTENT_NAMES: Final[dict[str, str]] = {
    "question": "Question",
    "complaint": "Complaint",
    "request": "Request",
    "praise": "Praise",
    "purchase": "Purchase interest",
    "cancellation": "Cancellation",
    "other": "Other",
}

SENTIMENT_COLUMNS: Final = slice(0, 3)
CATEGORY_COLUMNS: Final = slice(3, 10)
INTENT_COLUMNS: Final = slice(10, 17)
URGENCY_COLUMN: Final = 17
ACTIONABLE_COLUMN: Final = 18
OFFENSIVE_COLUMN: Final = 19
SPAM_COLUMN: Final = 20
OUTPUTS: Final = 21
