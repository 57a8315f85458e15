"""The services: what people and programs do with recordings and voicemails. Views, admin, imports and commands all call these."""
