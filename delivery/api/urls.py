"""URLs of voicemails, recordings and clips under /v1/{workspace_id}/."""

from __future__ import annotations

from django.urls import path

from delivery.api import clips, eligibility, exports, recordings, voicemails

urlpatterns = [
    path("voicemail", voicemails.VoicemailsView.as_view(), name="voicemails"),
    path("voicemail/search", voicemails.VoicemailSearchView.as_view(), name="voicemail-search"),
    path("voicemail/export", exports.VoicemailExportView.as_view(), name="voicemail-export"),
    path("voicemail/batch", voicemails.VoicemailBatchView.as_view(), name="voicemail-batch"),
    path("voicemail/<uuid:voicemail_id>", voicemails.VoicemailView.as_view(), name="voicemail"),
    path("voicemail/<uuid:voicemail_id>/cancel", voicemails.VoicemailCancelView.as_view(), name="voicemail-cancel"),
    path("voicemail/<uuid:voicemail_id>/retry", voicemails.VoicemailRetryView.as_view(), name="voicemail-retry"),
    path("eligibility", eligibility.EligibilityView.as_view(), name="eligibility"),
    path("recordings", recordings.RecordingsView.as_view(), name="recordings"),
    path("recordings/<uuid:recording_id>", recordings.RecordingView.as_view(), name="recording"),
    path("recordings/<uuid:recording_id>/audio", recordings.RecordingAudioView.as_view(), name="recording-audio"),
    path(
        "recordings/<uuid:recording_id>/attestation",
        recordings.RecordingAttestationView.as_view(),
        name="recording-attestation",
    ),
    path("recordings/<uuid:recording_id>/archive", recordings.RecordingArchiveView.as_view(), name="recording-archive"),
    path(
        "recordings/<uuid:recording_id>/unarchive",
        recordings.RecordingUnarchiveView.as_view(),
        name="recording-unarchive",
    ),
    path("clips", clips.ClipsView.as_view(), name="clips"),
    path("clips/<uuid:clip_id>", clips.ClipView.as_view(), name="clip"),
    path("clips/<uuid:clip_id>/audio", clips.ClipAudioView.as_view(), name="clip-audio"),
    path("clips/<uuid:clip_id>/archive", clips.ClipArchiveView.as_view(), name="clip-archive"),
    path("clips/<uuid:clip_id>/unarchive", clips.ClipUnarchiveView.as_view(), name="clip-unarchive"),
    path("clips/<uuid:clip_id>/attestation", clips.ClipAttestationView.as_view(), name="clip-attestation"),
]
