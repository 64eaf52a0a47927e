"""The records of a plan; ``train plan --json`` prints them as they are."""

from datacards.card import Record


class Amounts(Record):
    """Documents and tokens of one epoch, ``how`` they are known, and the standard error of the tokens where a sample says."""

    documents: int
    tokens: int
    how: str
    stderr: float | None


class Way(Record):
    """One way of laying documents into rows: all documents share rows (``packed``), or each has its own (``padded``).

    ``fill`` is tokens by places of a row, ``steps`` are those of all epochs; ``rate_sum`` and ``walk`` are how far all rates
    together can move a weight: all in one direction, and each in one of its own (root mean square). ``flops`` are the
    operations of the model over all steps, padding included.
    """

    rows: int
    fill: float
    steps: int
    rate_sum: float
    walk: float
    flops: float


class Thing(Record):
    """One thing in memory, in bytes on each card; ``when``: always, backward or step."""

    name: str
    bytes: int
    when: str


class Holds(Record):
    """What each card holds under a stage of ZeRO on ``cards`` cards; stage 0 is one process without DeepSpeed.

    ``backward`` and ``step`` are the bytes at both times, ``total`` the worse. ``needs`` is of how many cards each would be just
    full; None where more cards do not help.
    """

    stage: int
    cards: int
    states: int
    backward: int
    step: int
    total: int
    fits: bool
    needs: float | None
    things: tuple[Thing, ...]


class Hours(Record):
    """How long all steps take on so many cards at a share ``mfu`` of what they can do, and where that share is from."""

    card: str
    mfu: float
    source: str
    hours: float
    hours_padded: float
    price: float | None


class Disk(Record):
    """Bytes on the disk: token cache, saved states while it runs, the result, and the vector beside it."""

    tokens: int
    states: int
    result: int
    vector: int


class Weights(Record):
    """Numbers of weights: all, those trained, and those in embeddings, which no token multiplies."""

    total: int
    trained: int
    looked_up: int
    largest_module: int


class Estimate(Record):
    """A whole plan; ``card_bytes`` is the memory of one card, ``notes`` and ``warnings`` are sentences for people."""

    recipe: str
    base: str
    weights: Weights
    amounts: Amounts
    epochs: int
    packed: Way
    padded: Way
    card_bytes: int
    asked: Holds
    memory: tuple[Holds, ...]
    plain_scores: int
    hours: tuple[Hours, ...]
    disk: Disk
    unchanged_step: float
    unchanged_run: float
    advice: str
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
