"""`edged run`."""

from edged.cli.options import DEFAULT_CONFIG, Config, settings


def run(config: Config = DEFAULT_CONFIG) -> None:
    """Be the daemon, until SIGTERM."""
    from edged import log, runtime

    log.configure()
    runtime.run(settings(config), config)
