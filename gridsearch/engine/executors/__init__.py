"""Who trains packs: this process, or workers of Ray Tune."""
