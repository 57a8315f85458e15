"""What each list of the desk is for and what to do first, which a list without rows says."""

from __future__ import annotations

# By label of the model.
PURPOSES: dict[str, str] = {
    "campaigns.campaign": "A campaign leaves one message for many people. Add one, upload a list of the people, look at the "
    "preview and launch it; nobody is reached before.",
    "campaigns.recipientimport": "Here are the lists of people that were uploaded. Upload one on the page of a campaign.",
    "campaigns.optoutimport": "Here are the lists of people who must not be reached. Upload one under Suppressions, Import a list.",
    "campaigns.withdrawal": "Here is who was taken out of campaigns, such as for canceled appointments. Take people out on the page "
    "of a campaign.",
    "delivery.voicemail": "Here is every message with what became of it. They come from the lists of campaigns, and from programs "
    "that use the API.",
    "delivery.recording": "A recording is what people hear. Add one before the first campaign.",
    "delivery.clip": "Clips are pieces of sound, such as a greeting and first names, that a campaign joins into a message for each "
    "person. Add them if messages shall differ.",
    "delivery.lane": "Voicemails wait here in queues, one for each campaign. A queue comes with its campaign.",
    "delivery.drop": "Here is every attempt to leave a voicemail. There is none before the first launch.",
    "delivery.carrierreport": "Here is what carriers have reported. There is nothing before the first launch.",
    "delivery.carriermedia": "Some carriers want a recording before they send it; here is how that stands. Nothing has to be done.",
    "delivery.voicemailreference": "Here are your own names for voicemails, such as the number of a visit. They come with lists and "
    "with the API.",
    "usecases.usecase": "A use case says why and from which numbers people are reached, and when. Add one before the first campaign; "
    "it needs a telephony setup.",
    "usecases.telephonysetup": "A telephony setup is your account at a carrier, which leaves the voicemails. Begin here: add the "
    "setup, then its phone numbers, then a use case.",
    "usecases.phonenumber": "Here are the numbers that people see as the caller. Add them after their telephony setup.",
    "usecases.consent": "Here is who has agreed to be reached, and to what. Record a consent here; programs do it over the API.",
    "usecases.suppression": "Here is who must not be reached. Add one number, or import a list.",
    "usecases.statefreeze": "A freeze stops all messages to people in one state for some days, such as in an emergency.",
    "usecases.inboundsecret": "With an inbound secret an organisation's gateway signs what people told it. Add one for each gateway.",
    "usecases.inboundmessage": "Here is what people have told an organisation about their own number. Nothing has come yet.",
    "platform.user": "Here is who has an account. People come by an invitation.",
    "platform.membership": "Here is who may do what in which workspace. People come by an invitation.",
    "platform.invitation": "Invite the people who shall work here; each chooses a password by the link that is sent.",
    "platform.apikey": "With an API key a program does what a person does here. Add one for each program.",
    "platform.webhookdestination": "A destination is an address of your own systems that is told what happens here. Add one "
    "for each system.",
    "platform.webhookdelivery": "Here is what was sent to webhook destinations, and how they answered. There is nothing before the "
    "first destination is told something.",
    "platform.workspace": "A workspace keeps the rows of one provider, or of a part of it, apart from others. Add one to begin.",
    "platform.organisation": "An organisation is whom the people deal with; it owns workspaces. It comes with its first workspace.",
    "platform.auditevent": "Here is who did what, and when. Everything that is done from now on is kept here.",
    "platform.failedwork": "Here is what fails in the background. At the moment nothing does.",
    "platform.idempotencykey": "Programs that ask twice get the first answer again; here are these answers. There is none yet.",
    "platform.heartbeat": "Here the parts of the platform show that they are alive. Nothing runs yet: start a worker and the tick.",
    "platform.tally": "Here is how often something was put right that should not go wrong. It never had to be.",
    "platform.databaseidentity": "Here is whether sending is held. That is known after the first start.",
}
