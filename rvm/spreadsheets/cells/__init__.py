"""What single cells say: phones, places, answers, objections. Pure."""
