"""Why a person may be reached: purposes, the bases in law that they rest on, and records of consent."""
