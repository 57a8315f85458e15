"""What is removed of voicemails, reports and recordings: with time, or because a person is erased."""
