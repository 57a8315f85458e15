"""Pure readers of single cells: phones, countries, places, answers, objections and remarks."""
