"""Questions that a user answers before a list is checked, about columns that could decide whether a person may be reached."""

from __future__ import annotations

from enum import StrEnum


class Question(StrEnum):
    NONE = ""
    UNKNOWN = "unknown"
    YES_OR_NO = "yes_or_no"
    WHICH_PHONE = "which_phone"
    WHOSE_PHONE = "whose_phone"
    PHONE_TYPE = "phone_type"
    WHOSE_ANSWER = "whose_answer"
    EITHER = "either"
    DOUBLE_NEGATIVE = "double_negative"
    WHAT_FOR = "what_for"
    CHANNEL = "channel"
    PREFERENCE = "preference"
    RESTRICTION = "restriction"
    ALIVE = "alive"
    STATUS = "status"
    HEADING = "heading"
    TITLE = "title"
    SHEET = "sheet"
    COLOUR = "colour"


UNNAMED_PHONES = "Several columns hold phone numbers, and none is named as the person's own."
PERHAPS_ANOTHERS_PHONE = "It holds phone numbers, and may be somebody else's than the person's."
QUESTION_TEXTS: dict[Question, str] = {
    Question.UNKNOWN: "The name could mean that somebody must not be reached. What does the column say?",
    Question.YES_OR_NO: "It answers yes or no, or is marked for some people, and its name does not say to what. Does a mark in it "
    "mean that the person may be reached, must not be reached, or neither?",
    Question.WHICH_PHONE: f"{UNNAMED_PHONES} Which one is to be reached?",
    Question.WHOSE_PHONE: f"{PERHAPS_ANOTHERS_PHONE} Is it a number to reach?",
    Question.PHONE_TYPE: "It says of the phones beside it of which kind they are or whose, and some may be somebody else's than the "
    "person's, such as a mother's or a spouse's. Read as the type of the phone, it keeps those of others from being reached, such as "
    "an emergency contact's, but not a parent's; or does it say something else?",
    Question.WHOSE_ANSWER: "It seems to be the answer of somebody else than the person. Does it decide whether to reach the person?",
    Question.EITHER: "Its name says both, that people may be reached and that they must not. What does a yes in it mean?",
    Question.DOUBLE_NEGATIVE: "Its name says no more than once. Does a yes in it mean that the person may be reached, or not?",
    Question.WHAT_FOR: "It may be a permission for something else than calls and voicemails. Does a no in it keep the person "
    "from being reached?",
    Question.CHANNEL: "It is about messages by another way than the phone. Does a no in it keep the person from being called too?",
    Question.PREFERENCE: "It says by which way people wish to be reached, and some of them may not wish to be called. Read as "
    "consent, it lets only those be reached who have “Phone” or the like in it; or does it decide nothing?",
    Question.RESTRICTION: "It may say whom not to reach, or when not. Does what stands in it keep the person from being reached?",
    Question.ALIVE: "It seems to say whether people live. A column that says so the other way round is read: Deceased.",
    Question.STATUS: "It gives people or appointments a status that is not known here. Does one of them mean that the person must "
    "not be reached? Read as the status of the appointment, it keeps out all whose status is not known; or does it decide nothing?",
    Question.HEADING: "One of its rows says only that somebody must not be reached or has canceled, as a heading over the people "
    "below it does. Take these people out of the list; or, if the row means nothing, say what the column is.",
    Question.TITLE: "The title of the list, or the name of its sheet, says that people must not be reached or have canceled. If it "
    "says so of these, discard the list, and upload it as a list of opt-outs or of canceled appointments. If they are to be reached "
    "all the same, say what the column is.",
    Question.SHEET: "Another sheet of the workbook is named like a list of people who must not be reached, or have canceled; the "
    "warnings say which. Upload that sheet first, as a list of opt-outs or of canceled appointments, "
    "so that none of its people is reached by this one; then say what the column is.",
    Question.COLOUR: "Some people's cells in it have a colour of their own, as people mark those who must not be called, and colours "
    "are not read. Take these people out of the list, or write it into a column; or, if the marks mean nothing "
    "of the kind, say what the column is.",
}
