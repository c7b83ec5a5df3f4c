"""What the intents of the public training sets mean in our terms.

Each line: category, urgency 0 to 3, whether it is a complaint (``-``) or plain (``0``), then the intents. Intents of a bank's
customers (banking77) and of voice assistants (clinc150); the latter's chatter is what a brand need not answer.
"""

from typing import Final

from parlour.understanding.heads import Intent

BANKING77: Final = """
delivery 1 0: card_arrival card_delivery_estimate get_physical_card order_physical_card getting_spare_card
technical 1 -: card_not_working contactless_not_working virtual_card_not_working
technical 1 -: top_up_failed declined_transfer failed_transfer
technical 1 0: card_linking activate_my_card
account 1 0: pin_blocked passcode_forgotten change_pin edit_personal_details terminate_account age_limit verify_my_identity
account 1 -: unable_to_verify_identity why_verify_identity
account 3 -: lost_or_stolen_card compromised_card lost_or_stolen_phone card_swallowed
account 3 -: cash_withdrawal_not_recognised card_payment_not_recognised direct_debit_payment_not_recognised
billing 2 -: extra_charge_on_statement transaction_charged_twice wrong_amount_of_cash_received card_payment_wrong_exchange_rate
billing 2 -: card_payment_fee_charged transfer_fee_charged cash_withdrawal_charge Refund_not_showing_up reverted_card_payment?
billing 2 -: declined_card_payment declined_cash_withdrawal transfer_not_received_by_recipient
billing 2 -: wrong_exchange_rate_for_cash_withdrawal balance_not_updated_after_cheque_or_cash_deposit
billing 1 0: exchange_rate exchange_charge top_up_by_bank_transfer_charge top_up_by_card_charge request_refund pending_card_payment
billing 1 0: pending_cash_withdrawal pending_top_up pending_transfer transfer_timing cancel_transfer receiving_money
billing 1 0: balance_not_updated_after_bank_transfer top_up_reverted verify_top_up transfer_into_account
product 0 0: supported_cards_and_currencies visa_or_mastercard fiat_currency_support country_support card_acceptance atm_support
delivery 1 0: card_about_to_expire
billing 1 -: beneficiary_not_allowed
billing 1 0: exchange_via_app topping_up_by_card top_up_by_cash_or_cheque automatic_top_up verify_source_of_funds
product 0 0: apple_pay_or_google_pay getting_virtual_card get_disposable_virtual_card disposable_card_limits top_up_limits
"""

CLINC150: Final = """
delivery 1 0: order_status lost_luggage flight_status carry_on replacement_card_duration
billing 1 0: pay_bill bill_due bill_balance min_payment international_fees apr interest_rate spending_history
billing 1 0: card_declined transactions rewards_balance redeem_rewards exchange_rate
account 1 0: pin_change account_blocked credit_limit_change application_status expiration_date freeze_account user_name
account 1 0: change_user_name direct_deposit routing credit_limit new_card
account 3 -: report_fraud report_lost_card
product 0 0: insurance insurance_change damaged_card order accept_reservations ingredients_list nutrition_info
technical 0 0: sync_device reset_settings
other 0 0: cancel_reservation confirm_reservation how_busy
"""

# Of these nothing follows for a desk: chatter with a machine, thanks, yes and no.
_CHATTER = """
greeting goodbye thank_you yes no maybe tell_joke fun_fact meaning_of_life what_are_your_hobbies do_you_have_pets roll_dice
how_old_are_you what_is_your_name who_made_you where_are_you_from flip_coin next_song play_music repeat weather what_song
"""
CHATTER: Final = frozenset(_CHATTER.split())


# What the writer wants, where the intent says it better than the words of the question do.
_WANTED: Final[dict[Intent, str]] = {
    "cancellation": "terminate_account cancel_transfer cancel_reservation",
    "purchase": """order_physical_card get_disposable_virtual_card getting_virtual_card getting_spare_card
        new_card order book_flight book_hotel car_rental""",
    "request": """request_refund pay_bill transfer account_blocked freeze_account damaged_card report_fraud
        report_lost_card redeem_rewards pin_change insurance_change credit_limit_change reset_settings sync_device
        reminder alarm timer text make_call translate todo_list_update shopping_list_update update_playlist play_music
        restaurant_reservation schedule_meeting pto_request uber share_location""",
    "other": """greeting goodbye yes no maybe tell_joke fun_fact flip_coin roll_dice repeat""",
    "praise": "thank_you",
}
WANTED: Final[dict[str, Intent]] = {name: wanted for wanted, names in _WANTED.items() for name in names.split()}


def meaning(table: str) -> dict[str, tuple[str, int, bool]]:
    """Intent to (category, urgency 0 to 3, complaint)."""
    found: dict[str, tuple[str, int, bool]] = {}
    for line in table.strip().splitlines():
        head, _, intents = line.partition(":")
        category, urgency, tone = head.split()
        for intent in intents.split():
            found[intent] = (category, int(urgency), tone == "-")
    return found
