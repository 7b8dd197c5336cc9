"""What a finished trial of a pack leaves on record: what it was tuned on, how, where and how long."""

from benchmark.forms.record import TRIAL_RECORD, TrialRecord, UsedCheckpoint
from benchmark.forms.suite import Trial
from benchmark.pack.session import Session
from benchmark.provenance import gpu, machine, now, provenance
from benchmark.results.evaluations import kept_of


def trial_record(session: Session, trial: Trial) -> TrialRecord:
    """Return the content of a trial's `trial.json`."""
    pack = session.pack
    spent = session.meter.of(trial.id).rounded()
    gpu_name, gpu_memory = gpu(pack.device)
    return TrialRecord(
        schema_version=TRIAL_RECORD,
        id=trial.id,
        trial=trial,
        checkpoint=_used_checkpoint(session),
        engine="sequential" if trial.alone else pack.engine,
        trials_in_pack=len(pack.trials),
        trained_together=session.trained_together.get(trial.id),
        adapter=session.adapters.get(trial.id),
        kernels=session.kernels.get(trial.id),
        kept=kept_of(session.folders[trial.id].read_evaluations(), trial.protocol),
        seconds=spent.seconds,
        peak_memory_bytes=spent.peak_memory_bytes,
        device=pack.device,
        gpu=gpu_name,
        gpu_memory_bytes=gpu_memory,
        machine=machine(),
        command=pack.records.command,
        finished=now(),
        **dict(provenance()),
    )


def _used_checkpoint(session: Session) -> UsedCheckpoint:
    from backbones.quantization import parameters

    pinned = type(session.backbone).checkpoint
    return UsedCheckpoint(
        kind="folder" if session.pack.source else "hub",
        miniature=session.pack.entry.checkpoint == "miniature",
        hub_id=pinned.hub_id,
        revision=pinned.revision,
        licence=pinned.licence,
        parameters=parameters(session.backbone.model),
    )
